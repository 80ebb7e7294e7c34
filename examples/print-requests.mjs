// Prints the HTTP requests that come over a network interface, or that a capture file holds, until its end or Ctrl-C.
import { FrameDecoder, readCapture, TcpAssembler } from '@gor/capture';
import { openCapture } from '@gor/capture/open-capture';
import { HttpConnection, headerValue, MemoryBudget, roleOf } from '@gor/http';

const [from, portText = '80'] = process.argv.slice(2);
const port = Number(portText);
if (from === undefined || !Number.isInteger(port) || port < 1 || port > 65_535) {
  console.error('Usage: node print-requests.mjs INTERFACE|FILE.pcap|FILE.pcapng|FILE.gz [PORT]');
  process.exit(2);
}

// One for all connections: what unfinished messages may hold together, each side on its own.
const [budget, responseBudget] = [new MemoryBudget(), new MemoryBudget()];
const assembler = new TcpAssembler({
  serverPorts: [port],
  roleOf,
  onConnection: ({ client }) =>
    new HttpConnection({
      budget,
      responseBudget,
      onRequest: ({ method, target, headers, bodyLength }) => {
        const line = `${method} ${headerValue(headers, 'host') ?? ''}${target} (${bodyLength} body bytes)`;
        console.log(`${client.address}:${client.port}`, line.replaceAll(/[^ -~]/g, '?')); // a stranger's bytes: no terminal codes
      },
      onReject: ({ reason }) => console.error(`${client.address}:${client.port} a request is left out: ${reason}`),
    }),
});
const decoder = new FrameDecoder({ ports: [port], onSegment: (segment) => assembler.push(segment) });

try {
  await (/\.(pcap|pcapng|gz)$/.test(from) ? readFile(from) : listen(from));
  decoder.close();
  assembler.close();
} catch (error) {
  console.error(error instanceof Error ? error.message : error); // the message says what to try
  process.exitCode = 1;
}

/** @param {string} path */
async function readFile(path) {
  for await (const frames of readCapture(path)) for (const frame of frames) decoder.push(frame);
}

/** @param {string} name */
async function listen(name) {
  const capture = await openCapture({ interfaces: [name], ports: [port], onFrame: (frame) => decoder.push(frame) });
  const timer = setInterval(() => {
    decoder.advance(Date.now() * 1000); // what is unfinished ends on a silent link, too
    assembler.advance(Date.now() * 1000);
  }, 100);
  console.error(`ready: watching ${name}, port ${port}`);
  await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
  clearInterval(timer);
  await capture.close();
}
