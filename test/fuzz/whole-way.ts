// The ways in which damaged captures go through everything: as files, as the frames of real captures, as conversations
// that were built. After each input all limits and all counters are looked at.
import { gzipSync } from 'node:zlib';
import { CaptureError, type Frame, readCapture } from '@gor/capture';
import { usedMb } from '../kit/memory.ts';
import { mutated } from '../kit/mutation.ts';
import { createRandom, type Random, seedOfThisRun } from '../kit/random.ts';
import { Watchdog } from '../kit/watchdog.ts';
import { type BareFrame, capturedFrames, captureFiles, conversation, encapsulated } from './frames.ts';
import { PIECES } from './messages.ts';
import { Reading } from './reading.ts';

/** What came of all inputs together. */
export interface Outcome {
  seed: number;
  inputs: number;
  frames: number;
  segments: number;
  connections: number;
  requests: number;
  responses: number;
  /** Messages begun and not delivered. */
  rejects: number;
  /** Files that were said to be damaged. */
  broken: number;
  /** By how much the memory in use had grown when all was over. */
  grownMb: number;
  slowestMs: number;
}

type Input = (random: Random, reading: Reading) => AsyncGenerator<Frame> | Generator<Frame>;

/** Mutated files, plain and compressed. */
export function fuzzFiles(count: number): Promise<Outcome> {
  const originals = captureFiles(createRandom(seedOfThisRun()));
  return fuzz('files', count, async function* (random) {
    const file = random.pick(originals);
    const isGzip = file[0] === 0x1f;
    const damaged = mutated(file, random, PIECES);
    const bytes = isGzip || random.chance(0.9) ? damaged : gzipSync(damaged);
    const size = 1 + random.below(random.chance(0.1) ? 100 : 8_000);
    async function* chunks(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    }
    for await (const batch of readCapture(chunks())) yield* batch;
  });
}

/** Some of the frames of real captures: left out, doubled, moved, changed, cut. */
export function fuzzCaptures(count: number): Promise<Outcome> {
  const captures = capturedFrames();
  return fuzz('captures', count, function* (random) {
    const all = random.pick(captures);
    const from = random.below(all.length);
    yield* damagedFrames(random, all.slice(from, from + 1 + random.below(60)));
  });
}

/** Conversations that were built, in encapsulations. */
export function fuzzConversations(count: number): Promise<Outcome> {
  return fuzz('conversations', count, function* (random) {
    const packets = conversation(random);
    const frames = random.chance(0.5) ? packets : packets.flatMap((packet) => encapsulated(random, packet));
    yield* damagedFrames(random, frames);
  });
}

function* damagedFrames(random: Random, originals: readonly BareFrame[]): Generator<Frame> {
  const damage = random.pick([0, 0.02, 0.1, 0.5]);
  const frames = [...originals];
  for (let at = 0; at < frames.length; at++) {
    if (!random.chance(damage)) continue;
    const other = random.below(frames.length);
    [frames[at], frames[other]] = [frames[other]!, frames[random.chance(0.7) ? at : other]!];
  }
  for (const { bytes: original, linkType, timestampUs } of frames) {
    if (random.chance(damage / 4)) continue;
    const whole = random.chance(damage) ? mutated(original, random, PIECES) : original;
    const end = random.chance(damage / 2) ? random.below(whole.length + 1) : whole.length;
    const originalLength = random.chance(damage / 8) ? random.below(2 ** 31) : whole.length;
    const jumpUs = random.chance(damage / 4) ? random.pick([-1e9, -1_000, 200_000, 40e6, 700e6]) : 0;
    const [bytes, start] = random.chance(0.5) ? [whole, 0] : [Buffer.concat([new Uint8Array(7), whole]), 7];
    const frame = { bytes, start, end: start + end, linkType, originalLength: Math.max(end, originalLength) };
    yield { ...frame, timestampUs: timestampUs + jumpUs, direction: 'unknown' };
  }
}

async function fuzz(what: string, count: number, input: Input): Promise<Outcome> {
  const random = createRandom(seedOfThisRun());
  const { seed } = random;
  using watchdog = new Watchdog(`${what}, GOR_TEST_SEED=${seed}`);
  const messages = { requests: 0, responses: 0, rejects: 0, broken: 0 };
  const outcome: Outcome = {
    seed,
    inputs: 0,
    frames: 0,
    segments: 0,
    connections: 0,
    ...messages,
    grownMb: 0,
    slowestMs: 0,
  };
  const beforeMb = usedMb();
  for (; outcome.inputs < count; outcome.inputs++) {
    watchdog.begin(outcome.inputs);
    const startedMs = performance.now();
    const problem = await readInput(random, input, outcome);
    outcome.slowestMs = Math.max(outcome.slowestMs, performance.now() - startedMs);
    if (problem !== undefined) throw new Error(`GOR_TEST_SEED=${seed}, ${what}, input ${outcome.inputs}: ${problem}`);
  }
  outcome.grownMb = usedMb() - beforeMb;
  return outcome;
}

async function readInput(random: Random, input: Input, outcome: Outcome): Promise<string | undefined> {
  const reading = new Reading(random.chance(0.7));
  let problem: string | undefined;
  try {
    for await (const frame of input(random, reading)) problem ??= reading.push(frame);
    problem ??= reading.close();
  } catch (error) {
    if (!(error instanceof CaptureError)) return error instanceof Error ? error.stack : String(error);
    outcome.broken++;
    problem ??= reading.close();
  }
  const { told, decoder, assembler } = reading;
  const { seen, segments } = decoder.counters();
  outcome.frames += seen;
  outcome.segments += segments;
  outcome.connections += assembler.counters().connections;
  outcome.requests += told.requests;
  outcome.responses += told.responses;
  outcome.rejects += told.rejects + told.responseRejects;
  return problem;
}

/** One line for people. */
export function lineOf(what: string, { seed, inputs, grownMb, slowestMs, ...counts }: Outcome): string {
  const parts = Object.entries(counts).map(([name, value]) => `${value.toLocaleString('en')} ${name}`);
  const memory = `memory grew by ${grownMb.toFixed(1)} MB, slowest input ${Math.round(slowestMs)} ms`;
  return `${inputs.toLocaleString('en')} ${what} (seed ${seed}): ${parts.join(', ')}; ${memory}`;
}
