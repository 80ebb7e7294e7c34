// Which connections a share takes: both directions alike, each share within the larger ones, as many as it says.
import { describe, expect, test } from 'vitest';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { reverseFlow } from '../src/flow.ts';
import { LoadShedder } from '../src/index.ts';
import { data, segmentOf, syn, synAck } from './observed.ts';

const random = createRandom(seedOfThisRun());
console.log(`seed ${random.seed}`);

const flowOf = (clientNumber: number, addressLength = 4) => {
  const server = String.fromCharCode(...Array.from({ length: addressLength }, (_, at) => 10 + at), 0, 80);
  const address = Array.from({ length: addressLength - 2 }, () => 7);
  const port = 32_768 + (clientNumber % 28_000);
  const [high, low] = [(clientNumber >> 12) & 255, Math.floor(clientNumber / 28_000)];
  return String.fromCharCode(...address, high, low, port >> 8, port & 255) + server;
};

function picked(share: number, salt: number, flows: readonly string[]): Set<string> {
  const shedder = new LoadShedder({ salt });
  shedder.share = share;
  return new Set(flows.filter((flow) => shedder.picks(flow)));
}

const salts = Array.from({ length: 8 }, () => random.below(2 ** 32));

describe.each([4, 16])('connections with addresses of %i bytes', (addressLength) => {
  const flows = Array.from({ length: 20_000 }, (_, number) => flowOf(number, addressLength));

  test('both flows of a connection share its fate', () => {
    for (const salt of salts) {
      expect([...picked(0.3, salt, flows.map(reverseFlow))].map(reverseFlow)).toEqual([...picked(0.3, salt, flows)]);
    }
  });

  test('a share sheds all that a smaller one does', () => {
    for (const salt of salts) {
      let smaller = new Set<string>();
      for (let steps = 0; steps < 256; steps += 15) {
        const larger = picked(steps / 256, salt, flows);
        expect([...smaller].filter((flow) => !larger.has(flow))).toEqual([]);
        smaller = larger;
      }
    }
  });

  test.each([0, 1 / 256, 0.1, 0.5, 0.9, 255 / 256])(
    'a share of %d takes as many of connections that differ little',
    (share) => {
      for (const salt of salts) {
        // Five times the deviation of independent draws.
        const tolerance = 5 * Math.sqrt((share * (1 - share)) / flows.length) + 1 / 512;
        expect(Math.abs(picked(share, salt, flows).size / flows.length - share)).toBeLessThan(tolerance);
      }
    },
  );

  test('another salt takes others: as many in common as chance has it', () => {
    const [one, other] = [picked(0.5, salts[0]!, flows), picked(0.5, salts[1]!, flows)];
    const inCommon = [...one].filter((flow) => other.has(flow)).length / flows.length;
    expect(Math.abs(inCommon - 0.25)).toBeLessThan(0.03);
  });
});

test('the ports of one end do not decide alone: with one address each, half of the connections are shed', () => {
  const flows = Array.from({ length: 28_000 }, (_, number) => flowOf(number));
  for (const salt of salts) expect(Math.abs(picked(0.5, salt, flows).size / flows.length - 0.5)).toBeLessThan(0.02);
});

test('counts what it sheds, and nothing else', () => {
  const shedder = new LoadShedder({ salt: 1 });
  const segments = [syn(9), synAck(99, 10), data(10, 'four')].map(segmentOf);
  expect(segments.map((segment) => shedder.sheds(segment))).toEqual([false, false, false]);
  shedder.share = 255 / 256;
  expect(segments.map((segment) => shedder.sheds(segment))).toEqual([true, true, true]);
  expect(shedder.counters()).toEqual({ segments: 3, payloadBytes: 4, connections: 1 });
  shedder.share = 0;
  expect(segments.some((segment) => shedder.sheds(segment))).toBe(false);
  expect(shedder.counters()).toEqual({ segments: 3, payloadBytes: 4, connections: 1 });
});

test('a share is rounded to a step; what is none is refused', () => {
  const shedder = new LoadShedder({ salt: 0 });
  shedder.share = 0.5001;
  expect(shedder.share).toBe(0.5);
  for (const share of [-0.1, 1, Number.NaN]) {
    expect(() => {
      shedder.share = share;
    }).toThrow(new RangeError(`share: ${share} is not from 0 to 255/256`));
  }
  expect(() => new LoadShedder({ salt: 0.5 })).toThrow(new RangeError('salt: 0.5 is not an integer'));
});
