// The listener's reading with its own limits, in this process, under a flood: its counts, and the most memory in use.
import { type AssemblerCounters, type FrameCounters, linkTypes } from '@gor/capture';
import { type ResponseCounts, TrafficReader } from '../../packages/gor-listen/src/traffic-reader.ts';
import { usedMb } from '../kit/memory.ts';
import { Watchdog } from '../kit/watchdog.ts';
import { sum } from '../live/programs.ts';
import type { Flood } from './floods.ts';

/** What was counted. */
export interface FloodCounts {
  /** Requests begun, whole and dropped ones. */
  readonly captured: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly frames: FrameCounters;
  readonly connections: Readonly<AssemblerCounters>;
  readonly responses: ResponseCounts;
}

/** The counts behind a flood and the memory in use: the most while it lasted, and what is left, beyond what was before. */
export interface Flooded {
  readonly counts: FloodCounts;
  readonly peakMb: number;
  readonly leftMb: number;
  readonly seconds: number;
}

const PACKETS_A_SECOND = 100_000;
const LARGE = 100_000;

/** Runs one. Responses are read, too, with their bodies, as with --responses. */
export function flooded(flood: Flood, count: number): Flooded {
  const beforeMb = usedMb();
  const started = performance.now();
  const { counts, peakMb } = read(flood, count);
  const leftMb = usedMb() - beforeMb;
  return { counts, peakMb: peakMb - beforeMb, leftMb, seconds: (performance.now() - started) / 1000 };
}

function read(flood: Flood, count: number): { counts: FloodCounts; peakMb: number } {
  using watchdog = new Watchdog(flood.name, 60_000);
  const dropped: Record<string, number> = {};
  let whole = 0;
  const reader = openReader(
    () => whole++,
    (reason) => {
      dropped[reason] = (dropped[reason] ?? 0) + 1;
    },
  );
  let peakMb = 0;
  let number = 0;
  // Each look costs a full collection.
  const every = Math.ceil(count / (count >= LARGE ? 8 : 2));
  for (const bytes of flood.packets(count)) {
    const timestampUs = 1_700_000_000_000_000 + Math.floor((number * 1e6) / PACKETS_A_SECOND);
    const view = { bytes, start: 0, end: bytes.length, originalLength: bytes.length };
    reader.decoder.push({ linkType: linkTypes.raw, timestampUs, ...view, direction: 'in' });
    if (++number % every !== 0) continue;
    watchdog.begin(number);
    peakMb = Math.max(peakMb, usedMb());
  }
  reader.close();
  const { decoder, assembler, responses } = reader;
  const captured = whole + sum(dropped);
  return {
    counts: { captured, dropped, frames: decoder.counters(), connections: assembler.counters(), responses },
    peakMb,
  };
}

function openReader(onRequest: () => void, onReject: (reason: string) => void): TrafficReader {
  const source = { kind: 'file', path: '-', speed: 1 } as const;
  const config = { source, ports: [80], filter: undefined, replay: undefined, maxBodyBytes: 8 * 1024 * 1024 };
  return new TrafficReader(
    { ...config, direction: 'both' },
    { onRequest, onReject, onResponse: () => {}, onOtherProtocol: () => {}, onConnectionEnd: () => {} },
  );
}

/** The first sum that does not balance at the end of a flood. */
export function unbalanced({ frames, connections, responses }: FloodCounts): string | undefined {
  const { seen, segments, rejected, fragments } = frames;
  if (seen !== segments + sum(rejected) + fragments.held + fragments.joined) return 'frames';
  const { payloadBytes, deliveredBytes, duplicateBytes, droppedBytes, heldBytes } = connections;
  if (payloadBytes !== deliveredBytes + duplicateBytes + sum(droppedBytes) + heldBytes) return 'payload';
  if (connections.connections !== connections.connectionsOpen + sum(connections.connectionsEnded)) return 'connections';
  return responses.seen === responses.whole + sum(responses.dropped) ? undefined : 'responses';
}

/** One line for people. */
export function lineOf({ name }: Flood, count: number, { counts, peakMb, leftMb, seconds }: Flooded): string {
  const { captured, dropped, frames, connections, responses } = counts;
  const named = (all: Readonly<Record<string, number>>) =>
    JSON.stringify(Object.fromEntries(Object.entries(all).filter(([, value]) => value > 0)));
  return [
    `${name}, ${count.toLocaleString('en')}: at most ${peakMb.toFixed(1)} MB in use, ${leftMb.toFixed(1)} MB left, ${seconds.toFixed(1)} s`,
    `captured ${captured}, dropped ${named(dropped)}, frames ${named(frames.rejected)}, gaps ${named(connections.gaps)}`,
    `ended ${named(connections.connectionsEnded)}, half-open gone ${connections.halfOpenEvicted}`,
    `responses ${responses.whole}, unpaired ${responses.unpaired}, dropped ${named(responses.dropped)}`,
  ].join('; ');
}
