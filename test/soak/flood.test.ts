// A million packets of each kind that costs a listener the most: all counted, memory bounded.
import { expect, test } from 'vitest';
import type { FloodKind } from '../kit/flood.ts';
import { expectListenBalance } from '../live/programs.ts';
import { flood } from '../programs/flooded-listener.ts';

const COUNT = 1_000_000;

test.each<FloodKind>(['one-segment-flows', 'half-open', 'out-of-order', 'unfinished-requests'])('%s', async (kind) => {
  const { ledger, peakMb } = await flood(kind, COUNT);
  const { connectionsEnded, heldAllocatedBytesPeak, gaps } = ledger.connections;
  console.log(`${kind}: at most ${peakMb} MB resident; dropped ${JSON.stringify(ledger.dropped)}`);
  console.log(`ended ${JSON.stringify(connectionsEnded)}, gaps ${JSON.stringify(gaps)}`);
  expectListenBalance(ledger);
  expect(ledger.frames).toMatchObject({ seen: COUNT, segments: COUNT });
  expect(heldAllocatedBytesPeak).toBeLessThanOrEqual(32 * 1024 * 1024);
  expect(peakMb).toBeLessThan(700);
});
