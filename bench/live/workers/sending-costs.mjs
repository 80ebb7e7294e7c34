// Sends requests of 500 bytes as fast as the sender's pace allows, by openUdpSender; and the floor of it: node:dgram, with
// node:crypto sealing, sending a datagram for each two of them.
import { createCipheriv } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { openUdpSender } from '@gor/wire';
import { stampedRequest } from '../requests.mjs';
import { startArgument, takeCalls } from './calls.mjs';
import { inTurns, measured } from './costs.mjs';

const CONNECTIONS = 64;
/** Just below the 40 datagrams that leave at once. */
const REQUESTS_A_TURN = 70;
const HEADER_BYTES = 32;
const DATAGRAM_BYTES = 2 * (36 + 500) + HEADER_BYTES;
const SEALED_BYTES = 1200;

const { port, sealed } = startArgument();
const key = new Uint8Array(32).fill(7);
const { bytes: payload } = stampedRequest('get', 'production.example');
let sent = 0;
const totals = () => ({ captured: sent, dropped: {} });
const options = { host: '127.0.0.1', port, totals, onEvent: () => {}, ...(sealed ? { key } : {}) };
const sender = await openUdpSender(options);
const socket = createSocket('udp4');
socket.connect(port, '127.0.0.1');
await once(socket, 'connect');
const datagram = Buffer.alloc(sealed ? SEALED_BYTES : DATAGRAM_BYTES, 'd');
const header = datagram.subarray(0, HEADER_BYTES);
const body = datagram.subarray(HEADER_BYTES, -16);
const nonce = new Uint8Array(12);
const nonceView = new DataView(nonce.buffer);
takeCalls({ ours, floor });

/** @param {{ count: number }} load */
async function ours({ count }) {
  const before = sender.counters().datagrams;
  const cost = await measured(async () => {
    await inTurns(count, REQUESTS_A_TURN, send);
    await sender.drain();
  });
  const { datagrams } = sender.counters();
  return { ...cost, datagramsPerRequest: (datagrams - before) / count };
}

/** @param {{ count: number }} load */
function floor({ count }) {
  return measured(() =>
    inTurns(count / 2, REQUESTS_A_TURN / 2, sealed ? sealAndSend : () => void socket.send(datagram)),
  );
}

function sealAndSend() {
  nonceView.setUint32(8, ++sent);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(header);
  cipher.update(body);
  cipher.final();
  cipher.getAuthTag();
  socket.send(datagram);
}

function send() {
  const refusal = sender.send({
    kind: 'request',
    timestampUs: 1_700_000_000_000_000 + sent,
    connection: sent % CONNECTIONS,
    index: Math.floor(sent / CONNECTIONS),
    payload,
  });
  if (refusal !== undefined) throw new Error(`a request was refused: ${refusal}`);
  sent += 1;
}
