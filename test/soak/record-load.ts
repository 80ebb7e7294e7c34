// A steady load of request records for a replay server, each on a connection of its own.
import { openUdpSender } from '@gor/wire';
import { numberedGet } from '../kit/http-load.ts';

/** Sends `seconds * perSecond` requests evenly; resolves when all have left. Fails where one could not be sent. */
export async function sendRecords(port: number, seconds: number, perSecond: number): Promise<number> {
  await using sender = await openUdpSender({
    host: '127.0.0.1',
    port,
    totals: () => ({ captured: 0, dropped: {} }),
    onEvent: () => {},
  });
  const startMs = performance.now();
  const count = seconds * perSecond;
  for (let number = 0; number < count; number++) {
    const waitMs = startMs + (number * 1000) / perSecond - performance.now();
    if (waitMs > 1) await new Promise((resolve) => void setTimeout(resolve, waitMs));
    const payload = Buffer.from(numberedGet(number), 'latin1');
    const timestampUs = Date.now() * 1000;
    const refusal = sender.send({ kind: 'request', timestampUs, connection: number + 1, index: 0, payload });
    if (refusal !== undefined) throw new Error(`request ${number} was not sent: ${refusal}`);
    sender.send({ kind: 'connection-end', timestampUs, connection: number + 1, index: 0, payload: new Uint8Array(0) });
  }
  await sender.drain();
  return count;
}
