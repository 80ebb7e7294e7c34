// Load at a fixed rate, open loop: a request leaves when it is due, whether or not those before it were answered. Keep-alive
// connections take turns. Each request carries the time at which it was written.
import { once } from 'node:events';
import { connect } from 'node:net';
import { STAMP_DIGITS, stampedRequest } from '../requests.mjs';
import { sharedClockUs, startArgument, takeCalls } from './calls.mjs';

const TICK_MS = 1;
const ANSWERED_WITHIN_MS = 20_000;

const { host = '127.0.0.1', port, kind, connections } = startArgument();
const { bytes, stampAt } = stampedRequest(kind, `${host}:${port}`);
let answerBytes = 0;
let received = 0;
/** @type {import('node:net').Socket[]} */
const sockets = [];
for (let number = 0; number < connections; number++) {
  const socket = connect({ host, port, noDelay: true });
  await once(socket, 'connect');
  socket.on('data', ({ length }) => {
    received += length;
  });
  socket.on('close', () => fail('production closed a connection'));
  sockets.push(socket);
}
answerBytes = await lengthOfAnswer();
takeCalls({ run });

/** Every answer has the same length; the first one tells it. */
async function lengthOfAnswer() {
  send(0);
  while (received === 0) await pause(TICK_MS);
  await pause(20);
  return received;
}

/**
 * Sends so many requests and resolves when each is answered. The next call may follow at once.
 * @param {{ count: number, ratePerSecond: number }} load
 */
async function run({ count, ratePerSecond }) {
  const startMs = performance.now();
  const before = received;
  for (let sent = 0; sent < count; ) {
    const due = Math.min(count, Math.floor(((performance.now() - startMs) * ratePerSecond) / 1000));
    while (sent < due) send(sent++);
    await pause(TICK_MS);
  }
  const sentMs = performance.now() - startMs;
  const deadlineMs = performance.now() + ANSWERED_WITHIN_MS;
  while (received - before < count * answerBytes) {
    if (performance.now() > deadlineMs)
      throw new Error(`${(received - before) / answerBytes} of ${count} were answered`);
    await pause(TICK_MS);
  }
  return { sent: count, seconds: sentMs / 1000 };
}

/** @param {number} number */
function send(number) {
  const request = Buffer.from(bytes); // the socket keeps it until it is written
  request.write(String(sharedClockUs()).padStart(STAMP_DIGITS, '0'), stampAt, 'latin1');
  sockets[number % sockets.length]?.write(request);
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** @param {string} message */
function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
