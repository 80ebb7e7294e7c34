// Every resolution against BigInt, which the code itself does without.
import { expect, test } from 'vitest';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { TickScale } from '../src/tick-scale.ts';

const LIMIT = BigInt(Number.MAX_SAFE_INTEGER);

function bounded(us: bigint): bigint {
  return us > LIMIT ? LIMIT : us < -LIMIT ? -LIMIT : us;
}

function expected(resolution: number, ticks: bigint, offsetSeconds = 0n): number {
  const exponent = BigInt(resolution & 0x7f);
  const perSecond = (resolution & 0x80) === 0 ? 10n ** exponent : 2n ** exponent;
  return Number(bounded(bounded((ticks * 1_000_000n) / perSecond) + bounded(offsetSeconds * 1_000_000n)));
}

function converted(resolution: number, ticks: bigint, offsetSeconds = 0n): number {
  const offset = BigInt.asUintN(64, offsetSeconds);
  const scale = new TickScale(resolution, Number(offset >> 32n), Number(offset & 0xffff_ffffn));
  return scale.toMicroseconds(Number(ticks >> 32n), Number(ticks & 0xffff_ffffn));
}

test.each<[sentence: string, resolution: number, ticks: bigint, us: number]>([
  ['seconds', 0, 1_700_000_000n, 1_700_000_000_000_000],
  ['10^-3', 3, 1_700_000_000_123n, 1_700_000_000_123_000],
  ['10^-6', 6, 1_700_000_000_123_456n, 1_700_000_000_123_456],
  ['10^-7, the ticks of Windows', 7, 17_000_000_001_234_569n, 1_700_000_000_123_456],
  ['10^-9, rounded down', 9, 1_700_000_000_123_456_999n, 1_700_000_000_123_456],
  ['10^-12', 12, 1_700_000_123_456_999_999n, 1_700_000_123_456],
  ['10^-19', 19, 2n ** 64n - 1n, 1_844_674],
  ['10^-127', 127, 2n ** 64n - 1n, 0],
  ['2^-10', 0x80 + 10, 1_700_000_000n * 1024n + 1n, 1_700_000_000_000_976],
  ['2^-20', 0x80 + 20, 1_700_000_000n * 2n ** 20n + 2n, 1_700_000_000_000_001],
  ['2^-32, as NTP counts', 0x80 + 32, (1_700_000_000n << 32n) + 2n ** 31n, 1_700_000_000_500_000],
  ['2^-63', 0x80 + 63, 2n ** 63n + 2n ** 62n, 1_500_000],
  ['2^-127', 0x80 + 127, 2n ** 64n - 1n, 0],
  ['a time that no double can say', 0, 2n ** 64n - 1n, Number.MAX_SAFE_INTEGER],
])('%s', (_, resolution, ticks, us) => {
  expect(converted(resolution, ticks)).toBe(us);
  expect(expected(resolution, ticks)).toBe(us);
});

test('seconds are added, forward and back, also to before 1970', () => {
  expect(converted(6, 5n, 3n)).toBe(3_000_005);
  expect(converted(6, 5n, -3n)).toBe(-2_999_995);
  expect(converted(9, 1_999n, -(2n ** 63n))).toBe(-Number.MAX_SAFE_INTEGER + 1);
});

test('every resolution with ticks of every size', () => {
  const random = createRandom(seedOfThisRun());
  const edges = [0n, 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];
  for (let resolution = 0; resolution < 256; resolution++) {
    const ofNow = nowIn(resolution);
    const sizes = Array.from(
      { length: 64 },
      (_, bits) => BigInt(Math.floor(random.next() * 2 ** 52)) >> BigInt(bits % 52),
    );
    const shifted = sizes.map((ticks, at) => BigInt.asUintN(64, ticks << BigInt(at % 13)));
    for (const ticks of [...edges, ...shifted, ofNow, BigInt.asUintN(64, ofNow - 1n)]) {
      for (const offset of [0n, 1n, -1_700_000_000n]) {
        const text = `seed ${random.seed}: resolution ${resolution}, ticks ${ticks}, offset ${offset}`;
        expect(converted(resolution, ticks, offset), text).toBe(expected(resolution, ticks, offset));
      }
    }
  }
});

/** About today in ticks, where 64 bits can say it. */
function nowIn(resolution: number): bigint {
  const exponent = BigInt(resolution & 0x7f);
  return BigInt.asUintN(64, 1_763_683_200n * ((resolution & 0x80) === 0 ? 10n ** exponent : 2n ** exponent));
}
