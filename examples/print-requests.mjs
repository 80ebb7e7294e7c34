// Prints the HTTP requests that come over a network interface, or that a capture file holds, until its end or Ctrl-C.
import { FrameDecoder, readCapture, TcpAssembler } from '@gor/capture';
import { openCapture } from '@gor/capture/open-capture';
import { headerValue, MemoryBudget, RequestParser, roleOf } from '@gor/http';

const [from, portText = '80'] = process.argv.slice(2);
const port = Number(portText);
if (from === undefined || !Number.isInteger(port) || port < 1 || port > 65_535) {
  console.error('Usage: node print-requests.mjs INTERFACE|FILE.pcap [PORT]');
  process.exit(2);
}

const budget = new MemoryBudget(); // one for all parsers: what unfinished requests may hold together
const assembler = new TcpAssembler({
  serverPorts: [port],
  roleOf,
  onConnection: ({ client }) => {
    const parser = new RequestParser({
      budget,
      onRequest: ({ method, target, headers, bodyLength }) => {
        const line = `${method} ${headerValue(headers, 'host') ?? ''}${target} (${bodyLength} body bytes)`;
        console.log(`${client.address}:${client.port}`, line.replaceAll(/[^ -~]/g, '?')); // a stranger's bytes: no terminal codes
      },
      onReject: ({ reason }) => console.error(`${client.address}:${client.port} a request is left out: ${reason}`),
    });
    return {
      client: {
        start: (at) => (at === 'midstream' ? parser.startMidstream() : undefined),
        data: (bytes, timestampUs) => parser.push(bytes, timestampUs),
        gap: (length, timestampUs) => parser.gap(length, timestampUs),
        end: (_, timestampUs) => parser.end(timestampUs),
      },
    };
  },
});
const decoder = new FrameDecoder({ ports: [port], onSegment: (segment) => assembler.push(segment) });

try {
  await (from.endsWith('.pcap') ? readFile(from) : listen(from));
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
  const timer = setInterval(() => assembler.advance(Date.now() * 1000), 100); // a silent link still ends its streams
  console.error(`ready: watching ${name}, port ${port}`);
  await new Promise((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
  clearInterval(timer);
  await capture.close();
}
