// The short twins of test/soak/flooded-listener.test.ts: every packet of a flood is counted, and memory is bounded.
import { expect, test } from 'vitest';
import type { FloodKind } from '../kit/flood.ts';
import { expectListenBalance } from '../live/programs.ts';
import { flood } from './flooded-listener.ts';

test.each<[FloodKind, expected: object]>([
  ['one-segment-flows', { captured: 20_000, sent: 20_000 }],
  ['midstream-flows', { captured: 0, connections: { connections: 20_000, gapBytes: 0 } }],
  ['half-open', { captured: 0, connections: { halfOpenEvicted: 20_000 - 8192 } }],
  ['out-of-order', { captured: 0 }],
  ['unfinished-requests', { captured: 20_000, sent: 0 }],
])('%s', async (kind, expected) => {
  const { ledger, peakMb } = await flood(kind, 20_000);
  expectListenBalance(ledger);
  expect(ledger).toMatchObject({ ...expected, frames: { seen: 20_000, segments: 20_000 } });
  expect(peakMb).toBeLessThan(300);
});
