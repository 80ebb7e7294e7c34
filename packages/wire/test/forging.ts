// Runs of forged, mutated, replayed and truncated datagrams against a receiver and a sender with a key, short in the
// tests beside this file, long in test/soak.
import { expect } from 'vitest';
import { usedMb } from '../../../test/kit/memory.ts';
import type { Random } from '../../../test/kit/random.ts';
import { wireVector } from '../../../test/kit/wire-vectors.ts';
import { wireKey } from '../src/sealing.ts';
import { type Forgery, forgedDatagrams, forgedReports, overheard } from './forgeries.ts';

const KEY = wireKey(wireVector('shared-key'));
/** Datagrams a millisecond. */
const RATE = 100;
/** What garbage collection and the counters' own objects may differ by. */
const SLACK_MB = 8;
const ATTACKER = { address: '198.51.100.66', port: 4000 };

type Counts = Readonly<Record<string, number>>;

/** Pushes `total` forgeries at a receiver that runs; returns the counts by reason. */
export function forgeDatagrams(random: Random, total: number): Counts {
  const heard = overheard(random, KEY, 1000);
  const { ends, account } = heard;
  const before = {
    delivered: account.delivered,
    reports: ends.reported.datagrams,
    session: ends.decoder.ledger().sessions,
  };
  expect(before.delivered).toBe(account.sent);
  const forgeries = forgedDatagrams(random, KEY, heard);
  const reasonsOf = (): Counts => {
    const { sessions, rejectedDatagrams, earlier } = ends.decoder.ledger();
    const duplicates = sessions.reduce((sum, each) => sum + each.duplicates, earlier.duplicates);
    return added({ duplicate: duplicates }, rejectedDatagrams, ...sessions.map((each) => each.rejectedDatagrams));
  };
  const counts = forge(random, total, forgeries, reasonsOf, (datagram, atMs) => {
    ends.decoder.push(datagram, ATTACKER, ends.nowMs + atMs);
    if (Number.isInteger(atMs)) ends.decoder.advance(ends.nowMs + atMs);
  });
  const { sessions, unconfirmed } = ends.decoder.ledger();
  expect(account.problems).toEqual([]);
  expect(account.delivered).toBe(before.delivered);
  expect(ends.reported.datagrams).toBe(before.reports);
  expect(unconfirmed).toEqual({ sessions: 0, waitingBytes: 0 });
  // Nothing of the session has moved, neither its address nor its balance.
  const still = (each: (typeof sessions)[number]) => ({ ...each, duplicates: 0, rejectedDatagrams: {}, state: '' });
  expect(sessions.map(still)).toEqual(before.session.map(still));
  return counts;
}

/** Gives `total` forged reports to a sender; returns the counts by reason. */
export function forgeReports(random: Random, total: number): Counts {
  const heard = overheard(random, KEY, 1000);
  const { sender, nowMs, news } = heard.ends;
  const heardNews = news.length;
  while (sender.next(nowMs) !== undefined);
  const before = sender.counters();
  const counts = forge(
    random,
    total,
    forgedReports(random, KEY, heard),
    () => sender.counters().reports.rejected,
    (datagram) => {
      sender.report(datagram, nowMs);
      expect(sender.next(nowMs)).toBeUndefined();
    },
  );
  const still = ({ reports, ...others }: typeof before) => ({ ...others, reports: { received: reports.received } });
  expect(still(sender.counters()).resent).toEqual(before.resent);
  expect(sender.counters().receiver).toEqual(before.receiver);
  expect(sender.counters().datagrams).toBe(before.datagrams);
  expect(news.length).toBe(heardNews);
  expect(sender.state).toBe('receiving');
  return counts;
}

/** Pushes forgeries of each kind in turns; each must be counted under a reason of its kind, and memory stay flat. */
function forge(
  random: Random,
  total: number,
  forgeries: readonly Forgery[],
  reasonsOf: () => Counts,
  push: (datagram: Uint8Array, atMs: number) => void,
): Counts {
  const before = reasonsOf();
  const rounds = 100;
  const each = Math.ceil(total / rounds / forgeries.length);
  let pushed = 0;
  let fullMb = 0;
  for (let round = 0; round < rounds; round++) {
    for (const { what, make, reasons } of forgeries) {
      const earlier = reasonsOf();
      for (let count = 0; count < each; count++) push(make(), pushed++ / RATE);
      const later = reasonsOf();
      const counted = Object.keys(later).filter((reason) => later[reason] !== (earlier[reason] ?? 0));
      const note = `${what}, GOR_TEST_SEED=${random.seed}, round ${round}`;
      expect(
        counted.filter((reason) => !reasons.includes(reason)),
        note,
      ).toEqual([]);
      expect(sumOf(later) - sumOf(earlier), note).toBe(each);
    }
    if (round === rounds / 10) fullMb = usedMb();
  }
  expect(usedMb() - fullMb, 'MB more at the end').toBeLessThan(SLACK_MB);
  const after = reasonsOf();
  expect(sumOf(after) - sumOf(before)).toBe(pushed);
  return after;
}

const sumOf = (counts: Counts): number => Object.values(counts).reduce((sum, count) => sum + count, 0);

function added(...all: readonly Counts[]): Counts {
  const sums: Record<string, number> = {};
  for (const counts of all) {
    for (const [reason, count] of Object.entries(counts)) sums[reason] = (sums[reason] ?? 0) + count;
  }
  return sums;
}
