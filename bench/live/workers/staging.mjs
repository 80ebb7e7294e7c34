// Staging: a small raw TCP server that answers every request with 200 and notes how long ago its stamp was written.
import { createServer } from 'node:net';
import { STAMP, STAMP_DIGITS } from '../requests.mjs';
import { sharedClockUs, takeCalls } from './calls.mjs';

const ANSWER = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n', 'latin1');
const HEAD_END = '\r\n\r\n';

let arrived = 0;
/** @type {number[]} */
let delaysUs = [];
const server = createServer((socket) => {
  /** @type {Buffer} */
  let waiting = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    let bytes = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
    for (let end = endOfRequest(bytes); end > 0; end = endOfRequest(bytes)) {
      note(bytes.toString('latin1', 0, Math.min(end, 2_000)));
      socket.write(ANSWER);
      bytes = bytes.subarray(end);
    }
    waiting = bytes;
  });
});
server.listen(0, '127.0.0.1', () => takeCalls({ port, arrived: () => arrived, begin, delay }));

/** @param {Buffer} bytes */
function endOfRequest(bytes) {
  if (bytes.length === 0) return 0;
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return 0;
  const length = /^content-length: (\d+)/im.exec(bytes.toString('latin1', 0, headEnd))?.[1] ?? '0';
  const end = headEnd + HEAD_END.length + Number(length);
  return end <= bytes.length ? end : 0;
}

/** @param {string} head */
function note(head) {
  arrived += 1;
  const at = head.indexOf(STAMP);
  if (at < 0) return;
  delaysUs.push(sharedClockUs() - Number(head.slice(at + STAMP.length, at + STAMP.length + STAMP_DIGITS)));
}

function port() {
  const address = server.address();
  return typeof address === 'object' ? address?.port : undefined;
}

/** Forgets the delays noted so far; the count goes on. */
function begin() {
  delaysUs = [];
}

/** The delays since `begin`, in ms; nothing where no request carried a stamp. */
function delay() {
  if (delaysUs.length === 0) return undefined;
  const sorted = Float64Array.from(delaysUs).sort();
  const at = (/** @type {number} */ share) => (sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN) / 1000;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
