// Mutated datagrams by the hundred thousand into a receiver: nothing throws, nothing hangs, all counters balance.
// GOR_TEST_SEED repeats a run.
import { WireDecoder, WireEncoder } from '@gor/wire';
import { expect, test } from 'vitest';
import { PIECES } from '../fuzz/messages.ts';
import { said } from '../fuzz/said.ts';
import { mutated } from '../kit/mutation.ts';
import { createRandom, seedOfThisRun } from '../kit/random.ts';
import { Watchdog } from '../kit/watchdog.ts';
import { sum } from '../live/programs.ts';

const EACH = 250_000;

test('datagrams into a receiver', () => {
  const random = createRandom(seedOfThisRun());
  let records = 0;
  const limits = { maxFragmentBytes: 200_000, maxSessions: 32 };
  const decoder = new WireDecoder({ receiver: 'ffeeddccbbaa9988', onRecord: () => records++, limits });
  const originals: Uint8Array[] = [];
  for (const session of ['0123456789abcdef', 'fedcba9876543210']) {
    const encoder = new WireEncoder({ session, onDatagram: (datagram) => originals.push(datagram) });
    for (let index = 0; index < 40; index++) {
      const payload = new Uint8Array(index % 10 === 0 ? 5000 : 50 * index);
      encoder.add({ kind: 'request', timestampUs: index, connection: index % 3, index, payload }, index);
      if (index % 13 === 0)
        encoder.addTotals(
          { captured: index + 1, dropped: { replayed: 1 }, final: false, start: undefined, resendFrom: 0 },
          index,
          index,
        );
    }
    encoder.flush();
  }
  using watchdog = new Watchdog(`datagrams, GOR_TEST_SEED=${random.seed}`);
  for (let count = 0; count < EACH; count++) {
    watchdog.begin(count);
    decoder.push(mutated(random.pick(originals), random, PIECES), { address: '192.0.2.1', port: 9 }, count / 20);
    if (count % 500 === 0) decoder.advance(count / 20);
    if (count % 500 === 0 && decoder.ledger().fragments.waitingBytes > limits.maxFragmentBytes)
      throw new Error('it grows');
  }
  const { sessions, earlier, rejectedDatagrams } = decoder.ledger();
  said(
    'datagrams',
    EACH,
    random,
    `${records} records, ${earlier.sessions + sessions.length} sessions, ${sum(rejectedDatagrams)} refused`,
  );
  expect(sessions.length).toBeLessThanOrEqual(limits.maxSessions);
  for (const session of [...sessions, earlier]) {
    // Sums of forged counts may be beyond exact numbers.
    if (session.sent <= Number.MAX_SAFE_INTEGER)
      expect(session.sent).toBe(session.received + session.waiting + session.lost + session.beforeStart);
    expect(session.lost).toBeGreaterThanOrEqual(0);
  }
  expect(records).toBeGreaterThan(100);
});
