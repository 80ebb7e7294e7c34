import { describe, expect, test } from 'vitest';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { ResendBudget } from '../src/resend-budget.ts';
import { ResendBuffer, type ResendLimits } from '../src/resend-buffer.ts';

const KIB = 1024;

function bufferOf(over: Partial<ResendLimits> = {}): ResendBuffer {
  return new ResendBuffer({ maxBytes: 1024 * KIB, maxDatagrams: 1000, maxAgeMs: 1000, ...over });
}

function datagram(sequence: number, length: number): Uint8Array {
  return new Uint8Array(length).fill(sequence & 255);
}

describe('what is kept', () => {
  test.each([
    ['age: what left 1 s ago goes', {}, 10, 100, 1000, { age: 10, bytes: 0, datagrams: 0 }],
    ['age: a moment before that, all is there', {}, 10, 100, 999, { age: 0, bytes: 0, datagrams: 0 }],
    ['number: the oldest go', { maxDatagrams: 8 }, 10, 100, 0, { age: 0, bytes: 0, datagrams: 2 }],
    ['bytes: those of the oldest chunk go', { maxBytes: 64 * KIB }, 66, 1000, 0, { age: 0, bytes: 65, datagrams: 0 }],
  ])('%s', (_, limits, count, length, atMs, letGo) => {
    const buffer = bufferOf(limits);
    for (let sequence = 1; sequence <= count; sequence++) buffer.keep(datagram(sequence, length), sequence, 0);
    buffer.advance(atMs);
    const counters = buffer.counters();
    expect(counters.letGo).toEqual(letGo);
    const kept = count - letGo.age - letGo.bytes - letGo.datagrams;
    expect([counters.datagrams, counters.bytes]).toEqual([kept, kept * length]);
    expect(buffer.view(count - kept)).toBeUndefined();
    for (let sequence = count - kept + 1; sequence <= count; sequence++) {
      expect(buffer.view(sequence)).toEqual(datagram(sequence, length));
    }
  });

  test('a hole in the sequences lets go what is before it', () => {
    const buffer = bufferOf();
    for (const sequence of [1, 2, 9]) buffer.keep(datagram(sequence, 100), sequence, 0);
    expect([1, 2, 5, 9].map((sequence) => buffer.view(sequence)?.length)).toEqual([
      undefined,
      undefined,
      undefined,
      100,
    ]);
    expect(buffer.counters()).toMatchObject({ datagrams: 1, bytes: 100, letGo: { age: 2 } });
  });

  test('random traffic: bytes are those that left, chunks are reused, the limits hold, the counters balance', () => {
    const random = createRandom(seedOfThisRun());
    const limits = { maxBytes: 640 * KIB, maxDatagrams: 300, maxAgeMs: 1000 };
    const buffer = bufferOf(limits);
    const lengths = new Map<number, number>();
    let nowMs = 0;
    for (let sequence = 1; sequence <= 20_000; sequence++) {
      const length = random.chance(0.02) ? 32 + random.below(65_476) : 32 + random.below(1169);
      buffer.keep(datagram(sequence, length), sequence, nowMs);
      lengths.set(sequence, length);
      const { datagrams, bytes, allocatedBytes, letGo } = buffer.counters();
      const any = buffer.oldest + random.below(datagrams);
      const isRight =
        datagrams === buffer.next - buffer.oldest &&
        letGo.age + letGo.bytes + letGo.datagrams + datagrams === sequence &&
        bytes <= allocatedBytes &&
        allocatedBytes <= limits.maxBytes &&
        datagrams <= limits.maxDatagrams &&
        Buffer.compare(buffer.view(any)!, datagram(any, lengths.get(any)!)) === 0;
      expect(isRight, `seed ${random.seed}, sequence ${sequence}`).toBe(true);
      nowMs += random.chance(0.001) ? 2000 : random.below(5);
    }
    const { letGo } = buffer.counters();
    expect(Object.values(letGo).filter((count) => count === 0)).toEqual([]);
  });

  test('at a steady rate no more is allocated than a second needs', () => {
    const buffer = bufferOf({ maxBytes: 16 * 1024 * KIB, maxDatagrams: 32_768 });
    for (let sequence = 1; sequence <= 20_000; sequence++) buffer.keep(datagram(sequence, 1000), sequence, sequence);
    expect(buffer.counters()).toMatchObject({ datagrams: 1000, letGo: { age: 19_000, bytes: 0, datagrams: 0 } });
    expect(buffer.counters().allocatedBytes).toBeLessThanOrEqual(5 * 256 * KIB);
  });
});

describe('the budget, to the byte', () => {
  test('256 KiB to begin with', () => {
    const budget = new ResendBudget(0.1);
    expect([budget.take(262_145), budget.take(262_144), budget.take(1)]).toEqual([false, true, false]);
  });
  test('a tenth of what is sent', () => {
    const budget = new ResendBudget(0.1);
    budget.take(262_144);
    budget.earn(1200);
    expect([budget.take(121), budget.take(120), budget.take(1)]).toEqual([false, true, false]);
  });
  test('1.6 MiB are saved at most', () => {
    const budget = new ResendBudget(0.5);
    for (let sent = 0; sent < 100; sent++) budget.earn(1_000_000);
    expect([budget.take(1_677_722), budget.take(1_677_721), budget.take(1)]).toEqual([false, true, false]);
  });
});
