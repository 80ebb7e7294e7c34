// The counts of requests: each is in exactly one of them.
import { expect, test } from 'vitest';
import { RequestCounts } from '../src/listen-ledger.ts';

test.each<[sentence: string, sent: number, dropped: string[], captured: number, counts: Record<string, number>]>([
  ['nothing yet', 0, [], 0, {}],
  ['sent ones', 3, [], 3, {}],
  ['dropped ones by reason', 2, ['replayed', 'queue-full', 'replayed'], 5, { replayed: 2, 'queue-full': 1 }],
])('%s', (_, sent, dropped, captured, counts) => {
  const requests = new RequestCounts();
  for (let count = 0; count < sent; count++) requests.sent += 1;
  for (const reason of dropped) requests.drop(reason);
  expect(requests).toMatchObject({ captured, sent, dropped: counts });
});
