// Frames and capture files to be damaged: the captures of this repository, and conversations built here, in every
// encapsulation, nested, fragmented, cut, doubled and reordered.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CaptureReader, type Frame } from '@gor/capture';
import { captureBlocks, concatenated } from '../kit/captures.ts';
import { encapsulations } from '../kit/encapsulations.ts';
import { fragmentsOf } from '../kit/ip-packets.ts';
import { mutated } from '../kit/mutation.ts';
import { ethernetFrame, ipv4Packet, ipv6Packet, type PacketFields, pcapFile } from '../kit/packets.ts';
import type { Random } from '../kit/random.ts';
import { PIECES, REQUESTS, RESPONSES } from './messages.ts';

const FOLDER = join(import.meta.dirname, '../captures');
const LARGEST_BYTES = 20_000;
const names = readdirSync(FOLDER).filter((name) => /\.pcap(ng)?(\.gz)?$/.test(name));
const files = names.map((name) => ({ name, bytes: readFileSync(join(FOLDER, name)) }));

/** Frames without what only the reader of a file knows. */
export interface BareFrame {
  readonly linkType: number;
  readonly bytes: Uint8Array;
  readonly timestampUs: number;
}

/** Capture files of every format: those of real programs that are not too large, and built ones. */
export function captureFiles(random: Random): Uint8Array[] {
  const small = files.filter(({ bytes }) => bytes.length <= LARGEST_BYTES).map(({ bytes }) => bytes);
  const packets = conversation(random).slice(0, 12);
  const built = [true, false].flatMap((littleEndian) => {
    const { section, interface: description, enhanced, old, simple } = captureBlocks(littleEndian);
    const blocks = packets.map(({ bytes: data }, at) =>
      at % 3 === 0 ? old({ data }) : at % 3 === 1 ? enhanced({ data, ticks: at }) : simple({ data }),
    );
    const linkType = 101;
    return [
      pcapFile(packets, { littleEndian, linkType }),
      concatenated(section(), description({ linkType }), ...blocks),
    ];
  });
  return [...small, ...built];
}

/** The frames of each capture of real programs. */
export function capturedFrames(): BareFrame[][] {
  return files
    .filter(({ name }) => !name.endsWith('.gz'))
    .map(({ bytes }) => {
      const frames: BareFrame[] = [];
      const reader = new CaptureReader();
      for (const frame of reader.read(bytes)) frames.push(bare(frame));
      return frames;
    });
}

function bare({ linkType, timestampUs, bytes, start, end }: Frame): BareFrame {
  return { linkType, timestampUs, bytes: bytes.slice(start, end) };
}

/** A few connections' segments, both ways, as raw IP packets: mutated messages, cut anywhere, in nearly their order. */
export function conversation(random: Random): BareFrame[] {
  const placed: { place: number; packet: Uint8Array }[] = [];
  for (let connection = 0; connection < 1 + random.below(4); connection++) {
    const port = 40_000 + connection;
    const build = random.chance(0.7) ? ipv4Packet : ipv6Packet;
    const [client, server] = [random, random].map(() => random.below(2 ** 32)) as [number, number];
    const hosts = build === ipv4Packet ? ['10.0.0.1', '10.0.0.2'] : ['2001:db8:0:0:0:0:0:1', '2001:db8:0:0:0:0:0:2'];
    const up = { from: hosts[0]!, to: hosts[1]!, fromPort: port, toPort: 80 };
    const down = { from: hosts[1]!, to: hosts[0]!, fromPort: 80, toPort: port };
    if (random.chance(0.7)) {
      placed.push({ place: -2, packet: build({ ...up, flags: 'S', sequence: client - 1 }) });
      placed.push({ place: -1, packet: build({ ...down, flags: 'SA', sequence: server - 1, acknowledgment: client }) });
    }
    for (const fields of segmentsOf(random, up, REQUESTS, client, server))
      placed.push({ place: placed.length + random.below(6), packet: build(fields) });
    for (const fields of segmentsOf(random, down, RESPONSES, server, client))
      placed.push({ place: random.below(placed.length + 6), packet: build(fields) });
  }
  placed.sort((a, b) => a.place - b.place);
  let timestampUs = 1_700_000_000_000_000;
  return placed.map(({ packet: bytes }) => {
    timestampUs += random.chance(0.05) ? random.below(3_000_000) : random.below(1_000);
    return { linkType: 101, timestampUs, bytes };
  });
}

/** What one side sends, with overlaps, copies that differ, false numbers and flags. */
function* segmentsOf(
  random: Random,
  ports: PacketFields,
  messages: readonly Uint8Array[],
  first: number,
  other: number,
): Generator<PacketFields> {
  const whole = Buffer.concat(Array.from({ length: 1 + random.below(4) }, () => random.pick(messages)));
  const stream = mutated(whole, random, PIECES);
  for (let at = 0; at < stream.length; ) {
    const from = Math.max(0, at - (random.chance(0.2) ? random.below(30) : 0));
    const to = Math.min(stream.length, at + 1 + random.below(random.chance(0.3) ? 4 : 90));
    const isFalse = random.chance(0.02);
    const sequence = isFalse ? first + random.pick([-1, 100_000, 0x7fffffff, random.below(2 ** 32)]) : first + from;
    const acknowledgment = other + (random.chance(0.8) ? random.below(300) : random.below(2 ** 32));
    const flags = random.chance(0.96) ? 'PA' : random.pick(['S', 'SA', 'FA', 'R', 'RA', '', 'SFRPAU']);
    yield {
      ...ports,
      sequence: sequence >>> 0,
      acknowledgment: acknowledgment >>> 0,
      flags,
      payload: stream.slice(from, to),
    };
    if (!random.chance(0.1)) at = to; // else it comes again
  }
  if (random.chance(0.6))
    yield { ...ports, sequence: (first + stream.length) >>> 0, flags: 'FA', acknowledgment: other };
}

/** The packet in tunnels and link layers at random, up to beyond what is followed, and now and then in fragments. */
export function encapsulated(random: Random, { bytes, timestampUs }: BareFrame): BareFrame[] {
  let packets = [bytes];
  const depth = random.chance(0.7) ? random.below(3) : random.below(11);
  for (let level = 0; level < depth; level++) {
    packets = packets.flatMap((packet) => {
      const { takes, wrap, largest = 60_000 } = random.pick(tunnels);
      if (packet.length > largest) return [packet];
      const outer = wrap(takes === 'ip' ? packet : ethernetFrame(packet), random.below(9));
      return random.chance(0.15) ? fragmentsOf(outer, 8 * (1 + random.below(20)), random.below(20)) : [outer];
    });
    if (packets.length > 40) break;
  }
  const link = random.pick(links);
  return packets.map((packet) => {
    const linkType = link.gives === 'ethernet' ? 1 : (link.gives as number);
    const isTooLong = packet.length > (link.largest ?? 60_000);
    if (isTooLong) return { linkType: 101, timestampUs, bytes: packet };
    return { linkType, timestampUs, bytes: link.wrap(link.takes === 'ip' ? packet : ethernetFrame(packet), 3) };
  });
}

const tunnels = encapsulations.filter(({ gives }) => gives === 'ip');
const links = encapsulations.filter(({ gives }) => gives !== 'ip');
