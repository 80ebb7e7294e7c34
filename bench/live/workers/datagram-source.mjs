// Sends datagrams of a size at a rate, with nothing but node:dgram: the floor of sending.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { startArgument, takeCalls } from './calls.mjs';

const TICK_MS = 1;

const { port, datagramBytes, datagram } = startArgument();
const bytes = datagram === undefined ? Buffer.alloc(datagramBytes, 'd') : Buffer.from(datagram);
const socket = createSocket('udp4');
socket.connect(port, '127.0.0.1');
await once(socket, 'connect');
takeCalls({ run });

/** @param {{ count: number, ratePerSecond: number }} load */
async function run({ count, ratePerSecond }) {
  const startMs = performance.now();
  for (let sent = 0; sent < count; ) {
    const due = Math.min(count, Math.floor(((performance.now() - startMs) * ratePerSecond) / 1000));
    for (; sent < due; sent++) socket.send(bytes);
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
}
