// How the floors' clients send: at a fixed rate in open loop, or at full speed, a request in flight on each connection.
import { STAMP, stampedRequest } from '../requests.mjs';

const TICK_MS = 1;

/** @typedef {(done: (error?: Error) => void) => void} Send */

/**
 * Sends for so long; resolves when all is answered, with how many there were and how long it took.
 * @param {{ rate: number | 'full', seconds: number, connections: number }} load
 * @param {Send} send
 * @returns {Promise<{ sent: number, seconds: number }>}
 */
export function runLoad({ rate, seconds, connections }, send) {
  return rate === 'full' ? fullSpeed(send, seconds, connections) : steady(send, Math.ceil(rate * seconds), rate);
}

/**
 * @param {Send} send
 * @param {number} seconds
 * @param {number} connections
 * @returns {Promise<{ sent: number, seconds: number }>}
 */
function fullSpeed(send, seconds, connections) {
  const startMs = performance.now();
  let sent = 0;
  let answered = 0;
  return new Promise((resolve, reject) => {
    const next = (/** @type {Error | undefined} */ error) => {
      if (error !== undefined) return reject(error);
      answered += 1;
      const tookMs = performance.now() - startMs;
      if (tookMs < seconds * 1000) begin();
      else if (answered === sent) resolve({ sent, seconds: tookMs / 1000 });
    };
    const begin = () => {
      sent += 1;
      send(next);
    };
    for (let number = 0; number < connections; number++) begin();
  });
}

/**
 * @param {Send} send
 * @param {number} count
 * @param {number} ratePerSecond
 * @returns {Promise<{ sent: number, seconds: number }>}
 */
function steady(send, count, ratePerSecond) {
  const startMs = performance.now();
  let sent = 0;
  let answered = 0;
  return new Promise((resolve, reject) => {
    const timer = setInterval(() => {
      const due = Math.min(count, Math.floor(((performance.now() - startMs) * ratePerSecond) / 1000));
      for (; sent < due; sent++) send(done);
      if (sent === count) clearInterval(timer);
    }, TICK_MS);
    const done = (/** @type {Error | undefined} */ error) => {
      if (error !== undefined) {
        clearInterval(timer);
        reject(error);
      }
      answered += 1;
      if (answered === count) resolve({ sent: count, seconds: (performance.now() - startMs) / 1000 });
    };
  });
}

/**
 * A request as a client library takes it.
 * @param {import('../requests.mjs').RequestKind} kind
 * @param {string} host
 */
export function partsOf(kind, host) {
  const text = stampedRequest(kind, host).bytes.toString('latin1');
  const [head = '', body = ''] = text.split('\r\n\r\n');
  const [requestLine = '', ...fields] = head.split('\r\n');
  const [method = '', path = ''] = requestLine.split(' ');
  const headers = fields
    .filter((field) => !field.startsWith(STAMP) && !/^(host|content-length):/i.test(field))
    .flatMap((field) => [field.slice(0, field.indexOf(':')), field.slice(field.indexOf(':') + 2)]);
  return { method, path, headers, body: body === '' ? null : Buffer.from(body, 'latin1') };
}
