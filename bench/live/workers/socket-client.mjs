// Raw sockets alone: the same requests over as many keep-alive connections, written as they are; of answers only the length is
// looked at, which the first one tells.
import { once } from 'node:events';
import { connect } from 'node:net';
import { stampedRequest } from '../requests.mjs';
import { startArgument, takeCalls } from './calls.mjs';
import { runLoad } from './client-load.mjs';

const { port, kind, connections } = { connections: 64, ...startArgument() };
const { bytes } = stampedRequest(kind, `127.0.0.1:${port}`);
/** @typedef {{ socket: import('node:net').Socket, missing: number, done: (error?: Error) => void }} Place */
/** @type {Place[]} */
const idle = [];
/** @type {((error?: Error) => void)[]} */
const waiting = [];
let answerBytes = 0;
for (let number = 0; number < connections; number++) idle.push(await open());
takeCalls({ run: (/** @type {any} */ { rate, seconds }) => runLoad({ rate, seconds, connections }, send) });

async function open() {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  /** @type {Place} */
  const place = { socket, missing: 0, done: () => {} };
  socket.on('data', ({ length }) => take(place, length));
  socket.on('close', () => place.done(new Error('the server closed a connection')));
  return place;
}

/** @param {(error?: Error) => void} done */
function send(done) {
  const place = idle.pop();
  if (place === undefined) return void waiting.push(done);
  write(place, done);
}

/**
 * @param {Place} place
 * @param {(error?: Error) => void} done
 */
function write(place, done) {
  place.missing = answerBytes;
  place.done = done;
  place.socket.write(bytes);
}

/**
 * @param {Place} place
 * @param {number} length
 */
function take(place, length) {
  answerBytes ||= length;
  place.missing = Math.max(0, place.missing - length);
  if (place.missing > 0) return;
  const { done } = place;
  const next = waiting.shift();
  if (next === undefined) idle.push(place);
  else write(place, next);
  done();
}
