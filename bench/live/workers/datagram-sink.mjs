// Receives datagrams and counts them, with nothing but node:dgram: where a listener's go, and the floor of receiving.
import { createSocket } from 'node:dgram';
import { takeCalls } from './calls.mjs';

const BUFFER_BYTES = 8 * 1024 * 1024;

let datagrams = 0;
const socket = createSocket('udp4', () => {
  datagrams += 1;
});
socket.bind(0, '127.0.0.1', () => {
  socket.setRecvBufferSize(BUFFER_BYTES);
  takeCalls({ port: () => socket.address().port, count: () => datagrams });
});
