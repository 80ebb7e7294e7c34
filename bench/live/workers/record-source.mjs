// Sends requests as a listener does, by openUdpSender, without capturing any: 64 connections that take turns.
import { openUdpSender } from '@gor/wire';
import { stampedRequest } from '../requests.mjs';
import { startArgument, takeCalls } from './calls.mjs';

const TICK_MS = 1;
const CONNECTIONS = 64;

const { port, kind, sealed } = startArgument();
const { bytes } = stampedRequest(kind, 'production.example');
let sent = 0;
const totals = () => ({ captured: sent, dropped: {} });
const key = new Uint8Array(32).fill(7);
const options = { host: '127.0.0.1', port, totals, onEvent: () => {}, ...(sealed ? { key } : {}) };
const sender = await openUdpSender(options);
takeCalls({ run, datagrams: () => sender.counters().datagrams, close: () => sender.close() });

/**
 * Sends so many, at a rate or as fast as the sender lets them go.
 * @param {{ count: number, ratePerSecond: number | null }} load
 */
async function run({ count, ratePerSecond }) {
  const startMs = performance.now();
  for (let done = 0; done < count; ) {
    const elapsedMs = performance.now() - startMs;
    const due = ratePerSecond === null ? count : Math.min(count, Math.floor((elapsedMs * ratePerSecond) / 1000));
    for (; done < due; done++) send();
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  await sender.drain();
}

function send() {
  const refusal = sender.send({
    kind: 'request',
    timestampUs: Date.now() * 1000,
    connection: sent % CONNECTIONS,
    index: Math.floor(sent / CONNECTIONS),
    payload: bytes,
  });
  if (refusal !== undefined) throw new Error(`a request was refused: ${refusal}`);
  sent += 1;
}
