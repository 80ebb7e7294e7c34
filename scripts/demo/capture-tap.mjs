// Makes a capture file without any right to capture: a relay in front of a server that writes what passes it as TCP
// packets (link type RAW) into a pcap file, handshakes and ends included.
import { createWriteStream } from 'node:fs';
import { connect, createServer } from 'node:net';
import { finished } from 'node:stream/promises';

const LINKTYPE_RAW = 101;
const FIN = 0x01;
const SYN = 0x02;
const ACK = 0x10;
const MAX_PAYLOAD = 16_384;

export class CaptureTap {
  #file;
  #server;

  /**
   * @param {string} path of the pcap file
   * @param {number} serverPort of the server on this machine that is relayed to
   */
  constructor(path, serverPort) {
    this.#file = createWriteStream(path);
    this.#file.write(fileHeader());
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#relay(client, serverPort));
  }

  /**
   * Listens on a free port.
   * @param {string} host
   * @returns {Promise<number>} the port
   */
  listen(host) {
    return new Promise((resolve, reject) => {
      this.#server.on('error', reject);
      this.#server.listen({ host, port: 0 }, () => {
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  }

  /** Stops, and resolves when the file is written. */
  async close() {
    await new Promise((resolve) => this.#server.close(resolve));
    this.#file.end();
    await finished(this.#file);
  }

  /**
   * @param {import('node:net').Socket} client
   * @param {number} serverPort
   */
  #relay(client, serverPort) {
    const host = addressBytes(client.localAddress ?? '');
    const clientEnd = { address: addressBytes(client.remoteAddress ?? ''), port: client.remotePort ?? 0, next: 1000 };
    const serverEnd = { address: host, port: client.localPort ?? 0, next: 5000 };
    this.#write(clientEnd, serverEnd, SYN, EMPTY);
    this.#write(serverEnd, clientEnd, SYN | ACK, EMPTY);
    this.#write(clientEnd, serverEnd, ACK, EMPTY);
    const server = connect({ host: client.localAddress, port: serverPort, allowHalfOpen: true });
    this.#pass(client, server, clientEnd, serverEnd);
    this.#pass(server, client, serverEnd, clientEnd);
  }

  /**
   * @param {import('node:net').Socket} from
   * @param {import('node:net').Socket} to
   * @param {End} sender
   * @param {End} receiver
   */
  #pass(from, to, sender, receiver) {
    from.on('data', (bytes) => {
      for (let at = 0; at < bytes.length; at += MAX_PAYLOAD) {
        this.#write(sender, receiver, ACK, bytes.subarray(at, at + MAX_PAYLOAD));
      }
      to.write(bytes);
    });
    from.on('end', () => {
      this.#write(sender, receiver, FIN | ACK, EMPTY);
      to.end();
    });
    from.on('error', () => to.destroy());
  }

  /**
   * @param {End} sender
   * @param {End} receiver
   * @param {number} flags
   * @param {Uint8Array} payload
   */
  #write(sender, receiver, flags, payload) {
    const tcp = Buffer.alloc(20);
    tcp.writeUInt16BE(sender.port, 0);
    tcp.writeUInt16BE(receiver.port, 2);
    tcp.writeUInt32BE(sender.next, 4);
    tcp.writeUInt32BE((flags & ACK) === 0 ? 0 : receiver.next, 8);
    tcp[12] = 5 << 4;
    tcp[13] = flags;
    tcp.writeUInt16BE(65_535, 14);
    sender.next += payload.length + ((flags & (SYN | FIN)) === 0 ? 0 : 1);
    const packet = Buffer.concat([ipHeader(sender.address, receiver.address, 20 + payload.length), tcp, payload]);
    const header = Buffer.alloc(16);
    const nowUs = Math.round((performance.timeOrigin + performance.now()) * 1000);
    header.writeUInt32LE(Math.floor(nowUs / 1e6), 0);
    header.writeUInt32LE(nowUs % 1e6, 4);
    header.writeUInt32LE(packet.length, 8);
    header.writeUInt32LE(packet.length, 12);
    this.#file.write(Buffer.concat([header, packet]));
  }
}

/** @typedef {{ address: Buffer, port: number, next: number }} End one end of a connection and its next sequence number */

const EMPTY = new Uint8Array(0);

function fileHeader() {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262_144, 16);
  header.writeUInt32LE(LINKTYPE_RAW, 20);
  return header;
}

/**
 * @param {Buffer} source
 * @param {Buffer} destination
 * @param {number} payloadLength
 */
function ipHeader(source, destination, payloadLength) {
  if (source.length === 16) {
    const header = Buffer.alloc(8);
    header[0] = 6 << 4;
    header.writeUInt16BE(payloadLength, 4);
    header[6] = 6;
    header[7] = 64;
    return Buffer.concat([header, source, destination]);
  }
  const header = Buffer.alloc(12);
  header[0] = 0x45;
  header.writeUInt16BE(20 + payloadLength, 2);
  header[8] = 64;
  header[9] = 6;
  return Buffer.concat([header, source, destination]);
}

/**
 * An address's bytes; an IPv4 address inside an IPv6 one as IPv4. The loopback addresses are all that the relay sees.
 * @param {string} address
 */
function addressBytes(address) {
  const v4 = address.replace(/^::ffff:/, '');
  if (v4.includes('.')) return Buffer.from(v4.split('.').map(Number));
  const loopback = Buffer.alloc(16);
  loopback[15] = 1;
  return loopback;
}
