// Load made of frames: a capture of keep-alive GETs, a packet each and a packet for each answer, sent by tcpreplay into a veth
// pair. It offers rates that no server and client of one small machine would reach, at the cost of the sending alone.
import { join } from 'node:path';
import { CaptureWriter } from '../http-capture.mjs';
import { Child } from './children.mjs';
import { stampedRequest } from './requests.mjs';

/** The port of the server in the frames. */
export const FRAMES_PORT = 80;
const CONNECTIONS = 64;
const SERVER = 0x0a01_0001;
const [FIN, SYN, PUSH, ACK] = [0x01, 0x02, 0x08, 0x10];
const ANSWER = Buffer.from(
  'HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sat, 01 Nov 2025 12:00:00 GMT\r\nContent-Type: text/plain\r\n' +
    'Content-Length: 3\r\nConnection: keep-alive\r\n\r\nok\n',
  'latin1',
);
const NOTHING = new Uint8Array(0);
/** Packets that tcpreplay sends between two looks at its clock. */
const AT_ONCE = 20;

/**
 * @param {{ folder: string, pair: import('./veth-pair.mjs').VethPair, rate: number }} where
 * @returns {import('./load.mjs').Load}
 */
export function framesLoad({ folder, pair, rate }) {
  let runs = 0;
  return {
    before: 0,
    run: async (seconds) => {
      const file = join(folder, 'frames.pcap');
      const requests = Math.ceil(rate * seconds);
      writeGets(file, requests, runs++);
      const pace = ['-q', '-K', '--no-flow-stats', `--pps=${rate * 2}`, `--pps-multi=${AT_ONCE}`];
      const tcpreplay = new Child('tcpreplay', ['tcpreplay', ...pace, '-i', pair.from, file], {
        namespace: pair.sender,
      });
      await tcpreplay.ended;
      const sent = /Successful packets:\s+(\d+)/.exec(tcpreplay.stdout)?.[1];
      const took = /sent in ([\d.]+) seconds/.exec(tcpreplay.stdout)?.[1];
      if (Number(sent) !== packetsOf(requests)) throw tcpreplay.failure(`sent ${sent} packets: ${tcpreplay.stdout}`);
      return { requests, seconds: Number(took) };
    },
  };
}

/**
 * Connections of their own for each run, from the handshake to the end.
 * @param {string} file
 * @param {number} requests
 * @param {number} run
 */
function writeGets(file, requests, run) {
  const writer = new CaptureWriter(file, packetsOf(requests));
  const { bytes } = stampedRequest('get', 'production.example');
  const connections = Array.from({ length: CONNECTIONS }, (_, number) => ({
    client: { address: 0x0a00_0001 + run, port: 20_000 + number, sequence: number * 7_919 },
    server: { address: SERVER, port: FRAMES_PORT, sequence: number * 104_729 },
  }));
  /** @type {(connection: typeof connections[0], isClients: boolean, flags: number, payload?: Uint8Array) => void} */
  const send = ({ client, server }, isClients, flags, payload = NOTHING) => {
    const [from, to] = isClients ? [client, server] : [server, client];
    writer.write(from, to, flags, payload);
    from.sequence += payload.length + (flags & (SYN | FIN) ? 1 : 0);
  };
  for (const connection of connections) {
    send(connection, true, SYN);
    send(connection, false, SYN | ACK);
    send(connection, true, ACK);
  }
  for (let number = 0; number < requests; number++) {
    const connection = /** @type {typeof connections[0]} */ (connections[number % CONNECTIONS]);
    send(connection, true, PUSH | ACK, bytes);
    send(connection, false, PUSH | ACK, ANSWER);
  }
  for (const connection of connections) {
    send(connection, true, FIN | ACK);
    send(connection, false, FIN | ACK);
    send(connection, true, ACK);
  }
  writer.close();
}

/** @param {number} requests */
function packetsOf(requests) {
  return 2 * requests + 6 * CONNECTIONS;
}
