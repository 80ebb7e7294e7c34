// Receives by openUdpReceiver; and the floor of it: node:dgram, and node:crypto opening each datagram.
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { openUdpReceiver } from '@gor/wire';
import { pause } from '../children.mjs';
import { startArgument, takeCalls } from './calls.mjs';

const BUFFER_BYTES = 8 * 1024 * 1024;
const HEADER_BYTES = 32;
const SEALED_BYTES = 1200;
const LOOK_EVERY_MS = 5;
const ARRIVED_WITHIN_MS = 3000;

const { sealed } = startArgument();
const key = new Uint8Array(32).fill(7);
const nonce = new Uint8Array(12);
let requests = 0;
let datagrams = 0;
const receiver = await openUdpReceiver({
  host: '127.0.0.1',
  port: 0,
  onRecord: ({ kind }) => {
    if (kind === 'request') requests += 1;
  },
  ...(sealed ? { keys: [key] } : {}),
});
const socket = createSocket('udp4', (datagram) => {
  if (sealed) open(datagram);
  datagrams += 1;
});
socket.bind(0, '127.0.0.1');
await once(socket, 'listening');
socket.setRecvBufferSize(BUFFER_BYTES);
/** @type {NodeJS.CpuUsage} */
let before;
takeCalls({
  ports: () => ({ ours: receiver.port, floor: socket.address().port }),
  datagram: () => [...sealedDatagram()],
  begin: () => {
    [requests, datagrams] = [0, 0];
    before = process.cpuUsage();
  },
  end,
});

/**
 * When so many have arrived, or none comes any more.
 * @param {{ requests?: number, datagrams?: number }} expected
 */
async function end(expected) {
  const deadlineMs = performance.now() + ARRIVED_WITHIN_MS;
  const isOver = () => requests >= (expected.requests ?? 0) && datagrams >= (expected.datagrams ?? 0);
  while (!isOver() && performance.now() < deadlineMs) await pause(LOOK_EVERY_MS);
  const { user, system } = process.cpuUsage(before);
  return { cpuUs: user + system, requests, datagrams };
}

/** @param {Buffer} datagram */
function open(datagram) {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce);
  decipher.setAAD(datagram.subarray(0, HEADER_BYTES));
  decipher.setAuthTag(datagram.subarray(-16));
  decipher.update(datagram.subarray(HEADER_BYTES, -16));
  decipher.final();
}

function sealedDatagram() {
  const datagram = Buffer.alloc(SEALED_BYTES, 'd');
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(datagram.subarray(0, HEADER_BYTES));
  datagram.set(cipher.update(datagram.subarray(HEADER_BYTES, -16)), HEADER_BYTES);
  cipher.final();
  datagram.set(cipher.getAuthTag(), SEALED_BYTES - 16);
  return datagram;
}
