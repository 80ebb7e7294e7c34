// Writes a capture of HTTP traffic, the same for the same number of packets: keep-alive connections, interleaved, both
// directions, with handshakes and acknowledgments. Formats: draft-ietf-opsawg-pcap, RFC 791, RFC 9293.
import { closeSync, openSync, writeSync } from 'node:fs';

const CONNECTIONS = 400;
const SERVERS = 4;
const SEGMENT_BYTES = 1448;
const HEAD_BYTES = 500;
const POST_SHARE = 0.1;
const HEADERS_LENGTH = 54; // Ethernet, IPv4, TCP
const STEP_US = 5;
const BUFFER_BYTES = 1024 * 1024;
const SYN = 0x02;
const PUSH = 0x08;
const ACK = 0x10;

/**
 * What stands in a capture; requests and responses that are whole.
 * @typedef {{ file: string, packets: number, fileBytes: number, payloadBytes: number, requests: number, responses: number }} Traffic
 */

/**
 * Writes the file.
 * @param {string} file
 * @param {number} packets exactly so many; a request or two may be cut by the end
 * @returns {Traffic}
 */
export function writeHttpCapture(file, packets) {
  const writer = new CaptureWriter(file, packets);
  const random = randomOf(packets);
  const connections = Array.from({ length: CONNECTIONS }, (_, number) => new Connection(number, writer, random));
  while (!writer.isFull) connections[Math.floor(random() * CONNECTIONS)]?.step();
  return writer.close();
}

/** One client and its server: each step is the next packet. */
class Connection {
  #writer;
  #random;
  #client;
  #server;
  #path;
  #requests = 0;
  /** @type {(() => void)[]} what is to be sent next, the last one first */
  #next;

  /**
   * @param {number} number
   * @param {CaptureWriter} writer
   * @param {() => number} random
   */
  constructor(number, writer, random) {
    this.#writer = writer;
    this.#random = random;
    this.#path = `/shop/${number}`;
    this.#client = { address: 0x0a00_0000 + (number >> 3) + 10, port: 40_000 + number, sequence: number * 7_919 + 1 };
    this.#server = { address: 0x0a01_0000 + (number % SERVERS), port: 80, sequence: 0xffff_0000 + number };
    this.#next = [
      () => this.#send(true, nothing, ACK),
      () => this.#send(false, nothing, SYN | ACK),
      () => this.#send(true, nothing, SYN),
    ];
  }

  step() {
    if (this.#next.length === 0) this.#exchange();
    this.#next.pop()?.();
  }

  #exchange() {
    const request = this.#random() < POST_SHARE ? this.#post() : this.#get();
    const response = this.#response();
    const steps = [...this.#segments(true, request)];
    if (this.#random() < 0.3) steps.push(() => this.#send(false, nothing, ACK));
    steps.push(...this.#segments(false, response));
    if (this.#random() < 0.7) steps.push(() => this.#send(true, nothing, ACK));
    this.#next = steps.reverse();
  }

  #get() {
    return Buffer.from(`${this.#head('GET', 0)}\r\n`, 'latin1');
  }

  #post() {
    const length = 200 + Math.floor(this.#random() * 3_000);
    const head = this.#head('POST', length);
    return Buffer.from(`${head}Content-Length: ${length}\r\n\r\n${'x'.repeat(length)}`, 'latin1');
  }

  /**
   * @param {string} method
   * @param {number} bodyLength
   */
  #head(method, bodyLength) {
    const about = bodyLength === 0 ? '' : 'Content-Type: application/x-www-form-urlencoded\r\n';
    const head =
      `${method} ${this.#path}/article/${this.#requests++}?page=${Math.floor(this.#random() * 100)}&sort=price HTTP/1.1\r\n` +
      `Host: shop.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n` +
      `Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n` +
      `Accept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\n${about}Cookie: session=`;
    return `${head}${'0123456789abcdef'.repeat(16).slice(0, Math.max(8, HEAD_BYTES - head.length - 4))}\r\n`;
  }

  #response() {
    const length = 150 + Math.floor(this.#random() * 700);
    return Buffer.from(
      'HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sat, 01 Nov 2025 12:00:00 GMT\r\nContent-Type: text/html\r\n' +
        `Content-Length: ${length}\r\nConnection: keep-alive\r\n\r\n${'y'.repeat(length)}`,
      'latin1',
    );
  }

  /**
   * A packet for each segment of a message.
   * @param {boolean} isClients
   * @param {Buffer} message
   */
  *#segments(isClients, message) {
    for (let at = 0; at < message.length; at += SEGMENT_BYTES) {
      const end = Math.min(message.length, at + SEGMENT_BYTES);
      yield () => {
        this.#send(isClients, message.subarray(at, end), end === message.length ? PUSH | ACK : ACK);
        if (end === message.length) this.#writer.countMessage(isClients);
      };
    }
  }

  /**
   * @param {boolean} isClients
   * @param {Uint8Array} payload
   * @param {number} flags
   */
  #send(isClients, payload, flags) {
    const [from, to] = isClients ? [this.#client, this.#server] : [this.#server, this.#client];
    this.#writer.write(from, to, flags, payload);
    from.sequence = (from.sequence + payload.length + (flags & SYN ? 1 : 0)) >>> 0;
  }
}

/** @typedef {{ address: number, port: number, sequence: number }} End one of a connection's two */

/** Writes packets into a capture file, Ethernet around them, 5 µs between two. */
export class CaptureWriter {
  #file;
  #packets;
  #descriptor;
  #buffer = Buffer.alloc(BUFFER_BYTES);
  #at = 0;
  #timeUs = 1_762_000_000_000_000;
  #written = { packets: 0, fileBytes: 0, payloadBytes: 0, requests: 0, responses: 0 };

  /**
   * @param {string} file
   * @param {number} packets
   */
  constructor(file, packets) {
    this.#file = file;
    this.#packets = packets;
    this.#descriptor = openSync(file, 'w');
    for (const word of [0xa1b2c3d4, 0x0004_0002, 0, 0, 262_144, 1]) this.#word(word);
  }

  get isFull() {
    return this.#written.packets >= this.#packets;
  }

  /** @param {boolean} isRequest the packet written last ended one, or a response */
  countMessage(isRequest) {
    this.#written[isRequest ? 'requests' : 'responses'] += 1;
  }

  /**
   * @param {End} from
   * @param {End} to
   * @param {number} flags
   * @param {Uint8Array} payload
   */
  write(from, to, flags, payload) {
    const length = HEADERS_LENGTH + payload.length;
    if (this.#at + length + 16 > BUFFER_BYTES) this.#flush();
    this.#timeUs += STEP_US;
    this.#word(Math.floor(this.#timeUs / 1_000_000));
    this.#word(this.#timeUs % 1_000_000);
    this.#word(length);
    this.#word(length);
    const start = this.#at;
    this.#buffer.write('02000000000202000000000108004500', start, 'hex');
    this.#buffer.writeUInt16BE(length - 14, start + 16);
    this.#buffer.write('0000400040060000', start + 18, 'hex');
    this.#buffer.writeUInt32BE(from.address, start + 26);
    this.#buffer.writeUInt32BE(to.address, start + 30);
    this.#buffer.writeUInt16BE(checksum(this.#buffer, start + 14, start + 34), start + 24);
    this.#buffer.writeUInt16BE(from.port, start + 34);
    this.#buffer.writeUInt16BE(to.port, start + 36);
    this.#buffer.writeUInt32BE(from.sequence, start + 38);
    this.#buffer.writeUInt32BE(flags & ACK ? to.sequence : 0, start + 42);
    this.#buffer.writeUInt32BE(0x5000_ffff + flags * 0x1_0000, start + 46); // header length, flags, window
    this.#buffer.writeUInt32BE(0, start + 50); // checksum and urgent pointer: left to the network card
    this.#buffer.set(payload, start + HEADERS_LENGTH);
    this.#at = start + length;
    this.#written.packets += 1;
    this.#written.payloadBytes += payload.length;
  }

  /** @returns {Traffic} */
  close() {
    this.#flush();
    closeSync(this.#descriptor);
    return { file: this.#file, ...this.#written };
  }

  /** @param {number} value */
  #word(value) {
    this.#at = this.#buffer.writeUInt32LE(value, this.#at);
  }

  #flush() {
    writeSync(this.#descriptor, this.#buffer, 0, this.#at);
    this.#written.fileBytes += this.#at;
    this.#at = 0;
  }
}

const nothing = new Uint8Array(0);

/**
 * RFC 1071, over the header with zeros in its checksum.
 * @param {Buffer} bytes
 * @param {number} start
 * @param {number} end
 */
function checksum(bytes, start, end) {
  let sum = 0;
  for (let at = start; at < end; at += 2) sum += bytes.readUInt16BE(at);
  sum = (sum & 0xffff) + (sum >>> 16);
  return ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
}

/**
 * Numbers in [0, 1), the same for the same seed (mulberry32).
 * @param {number} seed
 */
function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
