// Capture files as long as one likes of packets that cost a listener the most, made while they are read.
import { ethernetFrame, ipv4Packet, type PacketFields, pcapFile } from './packets.ts';

/** How the n-th packet of a flood differs from the first. */
export type FloodKind = 'one-segment-flows' | 'midstream-flows' | 'half-open' | 'out-of-order' | 'unfinished-requests';

const FILE_HEADER_BYTES = 24;
const RECORD_BYTES = 16;
const ADDRESS_AT = RECORD_BYTES + 14 + 12;
const PORT_AT = RECORD_BYTES + 14 + 20;
const SEQUENCE_AT = PORT_AT + 4;
const PACKETS_A_SECOND = 100_000;
const FLOWS = 200;

const FIRST: Readonly<Record<FloodKind, PacketFields>> = {
  'one-segment-flows': { payload: 'GET /flood HTTP/1.1\r\nHost: a\r\n\r\n' },
  'midstream-flows': { payload: 'what reads like the middle of something' },
  'half-open': { flags: 'S' },
  'out-of-order': { payload: 'x' },
  'unfinished-requests': { payload: `POST / HTTP/1.1\r\nContent-Length: 8000000\r\n\r\n${'x'.repeat(400)}` },
};

/** The file's bytes in chunks: `count` packets to port 80, 100,000 a second by their timestamps. */
export function* floodFile(kind: FloodKind, count: number): Generator<Buffer> {
  const file = Buffer.from(pcapFile([{ bytes: ethernetFrame(ipv4Packet(FIRST[kind])) }]));
  yield file.subarray(0, FILE_HEADER_BYTES);
  const first = file.subarray(FILE_HEADER_BYTES);
  const perChunk = Math.ceil(262_144 / first.length);
  for (let start = 0; start < count; start += perChunk) {
    const chunk = Buffer.alloc(Math.min(perChunk, count - start) * first.length);
    for (let at = 0; at < chunk.length; at += first.length) {
      first.copy(chunk, at);
      writePacket(chunk, at, kind, start + at / first.length);
    }
    yield chunk;
  }
}

function writePacket(chunk: Buffer, at: number, kind: FloodKind, number: number): void {
  chunk.writeUInt32LE(1_700_000_000 + Math.floor(number / PACKETS_A_SECOND), at);
  chunk.writeUInt32LE((number % PACKETS_A_SECOND) * (1_000_000 / PACKETS_A_SECOND), at + 4);
  const flow = kind === 'out-of-order' ? number % FLOWS : number;
  chunk.writeUInt32BE(0x0a00_0000 + Math.floor(flow / 60_000), at + ADDRESS_AT);
  chunk.writeUInt16BE(1024 + (flow % 60_000), at + PORT_AT);
  // Every other byte of each stream is missing for ever, so nothing but the first ever fits.
  if (kind === 'out-of-order') chunk.writeUInt32BE(2 * Math.floor(number / FLOWS), at + SEQUENCE_AT);
}
