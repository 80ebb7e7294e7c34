// The sending side in virtual time: reports and sending again, who the receiver is, start, totals, silence, the end.
import { describe, expect, test } from 'vitest';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { wireKey } from '../src/sealing.ts';
import { SendingSession } from '../src/sending-session.ts';
import { numbered, record, SESSION } from './exchange.ts';
import { missing, RECEIVER, type ReportCase, reportOf } from './reports.ts';
import { SendingRun } from './sending-run.ts';

const KEY = wireKey(new Uint8Array(32).fill(7));
const OTHER_KEY = wireKey(new Uint8Array(32).fill(8));
const OTHER_RECEIVER = '0123456789abcdef';

describe('sending again', () => {
  test.each([
    ['plaintext', undefined],
    ['sealed', KEY],
  ])('%s: what a report names leaves again, before new datagrams, the same bytes', (_, key) => {
    const run = new SendingRun({ key });
    const sequences = run.send(30);
    run.until(20);
    const before = run.left.length;
    const asked = [sequences[3]!, sequences[4]!, sequences[20]!];
    run.session.add(numbered(99), run.nowMs);
    run.session.flush();
    run.report({ highest: run.highest, missing: missing(...asked) });
    expect(run.sequencesFrom(before).slice(0, 4)).toEqual([...asked, 32]);
    for (const [at, sequence] of asked.entries()) {
      expect(run.left[before + at]?.bytes).toEqual(run.left[sequence - 1]?.bytes);
    }
    expect(run.session.counters().resent).toMatchObject({ datagrams: 3, overBudget: 0, gone: 0 });
  });

  test("the bytes are the caller's: they stay when what is kept is let go and written over", () => {
    const run = new SendingRun({ resendBytes: 65_536 });
    run.send(2);
    run.session.report(reportOf({ highest: 3, missing: missing(2) }), run.nowMs);
    const again = run.session.next(run.nowMs)!;
    run.until(100).send(100, 1132);
    run.until(200);
    expect(run.session.counters().kept.letGo.bytes).toBeGreaterThan(0);
    expect(again).toEqual(run.left[1]?.bytes);
  });

  test('but not within 10 ms of the last time, and not twice in one go', () => {
    const run = new SendingRun();
    run.send(5);
    const again = (): number[] => {
      const before = run.left.length;
      run.report({ highest: 6, missing: [{ first: 2, count: 2 }] });
      return run.sequencesFrom(before).filter((sequence) => sequence < 6);
    };
    expect(again()).toEqual([2, 3]);
    expect(again()).toEqual([]);
    expect(run.until(9) && again()).toEqual([]);
    expect(run.until(10) && again()).toEqual([2, 3]);
  });

  test.each([
    ['what is 1 s old', {}, 1000],
    ['anything, where nothing is kept', { resendBytes: 0 }, 20],
  ])('not %s: counted as gone, and totals go out that say so', (_, options, atMs) => {
    const run = new SendingRun(options);
    run.send(5);
    run.until(10).report({ highest: 6 });
    run.until(atMs);
    const before = run.left.length;
    run.report({ highest: 6, missing: [{ first: 2, count: 3 }] });
    run.until(atMs + 20);
    expect(run.left.slice(before).map(({ totals }) => totals?.resendFrom)).toEqual([
      'resendBytes' in options ? 0 : 7, // the second totals are still there
    ]);
    expect(run.session.counters().resent).toMatchObject({ datagrams: 0, gone: 3 });
  });

  test('a budget bounds it, to the byte: 256 KiB and a tenth of what was sent', () => {
    const run = new SendingRun();
    const sequences = run.send(700, 1132);
    run.until(100).send(1);
    run.report({ highest: run.highest, missing: [{ first: sequences[0]!, count: 700 }] });
    run.until(200);
    const { resent } = run.session.counters();
    const earned = run.left
      .filter(({ sequence }, at) => run.left.findIndex((each) => each.sequence === sequence) === at)
      .filter(({ atMs }) => atMs <= 100)
      .reduce((sum, { bytes }) => sum + bytes.length / 10, 262_144);
    expect(resent.bytes).toBeLessThanOrEqual(earned);
    expect(resent.bytes).toBeGreaterThan(earned - 1200);
    expect(resent.overBudget).toBe(700 - resent.datagrams);
  });

  test('not more than 8,192 sequences are looked at in 10 ms, whatever reports name; the rest is counted', () => {
    const run = new SendingRun({ resendShare: 1 });
    for (let round = 0; round < 20; round++) run.until(run.nowMs + 21) && run.send(850, 10);
    const overBudget = (): number => run.session.counters().resent.overBudget;
    const all = run.highest - 1;
    const everything = { highest: run.highest, missing: [{ first: 1, count: all }] };
    run.session.report(reportOf({ sequence: 1, ...everything }), run.nowMs);
    expect(overBudget()).toBe(all - 8192);
    run.session.report(reportOf({ sequence: 2, ...everything }), run.nowMs + 9);
    expect(overBudget()).toBe(2 * all - 8192);
    run.session.report(reportOf({ sequence: 3, ...everything }), run.nowMs + 10);
    expect(overBudget()).toBe(3 * all - 2 * 8192);
  });

  test('a report is read no further than the budget reaches', () => {
    const run = new SendingRun({ resendShare: 0 });
    run.send(700, 1132);
    run.until(100).report({ highest: run.highest, missing: [{ first: 2, count: 698 }] });
    const before = run.session.counters().resent.overBudget;
    expect(before).toBe(698 - Math.floor(262_144 / 1200));
    run.until(200).send(1, 10);
    const small = run.highest;
    run.send(1);
    run.until(250).report({ highest: run.highest, missing: [{ first: 690, count: small - 689 }] });
    expect(run.session.counters().resent.overBudget).toBe(before + small - 689);
  });

  test('a flood of requests for everything leaves new datagrams their way, and no memory grows', () => {
    const run = new SendingRun();
    for (let round = 0; round < 300; round++) {
      run.send(20, 1132);
      run.report({ highest: run.highest, missing: [{ first: 1, count: run.highest - 1 }] });
      run.until(run.nowMs + 10);
    }
    const { resent, kept, waitingBytes, datagrams } = run.session.counters();
    expect(waitingBytes).toBe(0);
    expect(datagrams).toBeGreaterThanOrEqual(6000);
    expect(resent.bytes).toBeLessThanOrEqual(262_144 + run.left.length * 120);
    expect(kept.allocatedBytes).toBeLessThanOrEqual(12 * 256 * 1024);
  });

  test('the pacer counts them, too', () => {
    const run = new SendingRun();
    run.send(1000, 1132);
    run.until(500).report({ highest: run.highest, missing: [{ first: 2, count: 100 }] });
    const atOnce = run.left.filter(({ atMs }) => atMs === 500).length;
    expect(atOnce).toBe(40);
  });

  test('datagrams are let go by number, and after that not sent again', () => {
    const run = new SendingRun();
    for (let round = 0; round < 40; round++) run.until(run.nowMs + 21) && run.send(850, 10);
    run.until(run.nowMs + 5);
    expect(run.session.counters().kept).toMatchObject({ datagrams: 32_768, letGo: { age: 0, bytes: 0 } });
  });
});

describe('reports', () => {
  test.each([
    ['a report', {}, undefined],
    ['of another session', { session: '00112233445566fe' }, 'other-session'],
    ['sealed, and no key is here', { key: KEY }, 'sealed'],
    ['of datagrams that were never sent', { highest: 12 }, 'implausible'],
    ['with missing ones that were never sent', { highest: 4000, missing: missing(3999) }, 'implausible'],
    ['with ranges that do not rise', { highest: 10, missing: missing(5, 4) }, 'bad-report'],
    ['with a range beyond the highest', { highest: 10, missing: missing(10) }, 'bad-report'],
    ['with an empty range', { highest: 10, missing: [{ first: 3, count: 0 }] }, 'bad-report'],
  ] as [string, ReportCase, string | undefined][])('%s', (_, report, reason) => {
    const run = new SendingRun();
    run.send(10);
    run.report({ highest: 5, ...report });
    const rejected = reason === undefined ? {} : { [reason]: 1 };
    expect(run.session.counters().reports).toEqual({ received: reason === undefined ? 1 : 0, rejected });
    expect(run.session.state).toBe(reason === undefined ? 'receiving' : 'unknown');
    expect(run.session.counters().resent.datagrams).toBe(0);
  });

  test.each([
    ['sealed with the key', { key: KEY }, undefined],
    ['in plaintext', { key: undefined }, 'not-sealed'],
    ['under another key', { key: OTHER_KEY }, 'unknown-key'],
    ["forged under this key's id", { key: OTHER_KEY, keyId: KEY.id }, 'forged'],
    ['in plaintext under its id', { key: undefined, keyId: KEY.id }, 'forged'],
  ] as [string, ReportCase, string | undefined][])('to a sealed session, %s', (_, report, reason) => {
    const run = new SendingRun({ key: KEY });
    run.send(10);
    run.report({ highest: 10, missing: missing(3), ...report });
    const rejected = reason === undefined ? {} : { [reason]: 1 };
    expect(run.session.counters()).toMatchObject({
      resent: { datagrams: reason === undefined ? 1 : 0 },
      reports: { received: reason === undefined ? 1 : 0, rejected },
      receiver: { id: reason === undefined ? RECEIVER : null },
    });
  });

  test.each([
    ['plaintext', undefined],
    ['sealed', KEY],
  ])('%s: old ones and those of a replaced receiver change nothing', (_, key) => {
    const run = new SendingRun({ key });
    run.send(10);
    run.report({ highest: 9, sequence: 5, received: 9 });
    run.report({ highest: 9, sequence: 5, received: 1 });
    run.report({ highest: 9, sequence: 4, received: 1 });
    expect(run.session.counters().receiver.received).toBe(9);
    run.report({ highest: 9, sequence: 1, receiver: OTHER_RECEIVER, isConfirmed: false });
    run.report({ highest: 9, sequence: 2, receiver: OTHER_RECEIVER, received: 2 });
    run.report({ highest: 9, sequence: 6, received: 1, missing: missing(3) });
    expect(run.session.counters()).toMatchObject({
      reports: { received: 3, rejected: { 'too-old': 2, retired: 1 } },
      receiver: { id: OTHER_RECEIVER, received: 2 },
      resent: { datagrams: 0 },
    });
  });

  describe.each([
    ['plaintext', undefined],
    ['sealed', KEY],
  ])('%s: another receiver', (_, key) => {
    const other = { receiver: OTHER_RECEIVER, highest: 1, isConfirmed: false };
    const known = (): SendingRun => {
      const run = new SendingRun({ key });
      run.report({}).until(1500).send(10);
      return run.until(1550).report({ highest: 9, received: 9 });
    };

    test('whose report was held up on its way is answered once, and changes nothing', () => {
      const run = known();
      const before = run.left.length;
      run.report({ ...other, sequence: 7, backlog: 5, missing: [] }).until(1580);
      expect(run.left.slice(before).map(({ totals }) => totals?.start?.receiver)).toEqual([OTHER_RECEIVER]);
      run.report({ ...other, sequence: 7 });
      run.report({ highest: 9, sequence: 50, received: 8, missing: missing(5) }).until(3000);
      expect(run.lastTotals.totals.start).toEqual({ receiver: RECEIVER, sequence: 1, number: 1 });
      expect(run.session.counters()).toMatchObject({
        reports: { received: 4, rejected: { 'too-old': 1 } },
        receiver: { id: RECEIVER, received: 8, backlog: 0 },
        resent: { datagrams: 1 },
      });
    });

    test('does not keep a receiver that is gone from being said to be silent', () => {
      const run = known();
      for (let sequence = 7; run.nowMs < 3500; sequence++) run.report({ ...other, sequence }).until(run.nowMs + 100);
      expect(run.until(3600).news).toEqual(['0 receiving', '3550 silent']);
    });

    test('that is confirmed takes its place at once, with the start that it was told first', () => {
      const run = known();
      run.report({ ...other, sequence: 1 });
      const told = run.lastTotals;
      expect(told.atMs).toBe(1550);
      expect(run.session.counters().receiver.id).toBe(RECEIVER);
      run.report({ receiver: OTHER_RECEIVER, sequence: 2, highest: told.sequence });
      expect(run.session.counters().receiver.id).toBe(OTHER_RECEIVER);
      expect(run.until(3000).lastTotals.totals.start).toEqual(told.totals.start);
      run.report({ sequence: 99, highest: 9 });
      expect(run.session.counters().reports.rejected).toEqual({ retired: 1 });
    });

    test('that was heard of before the one that was confirmed since is an earlier one, one heard of after is not', () => {
      const run = known();
      const [early, late] = ['00000000000000aa', '00000000000000bb'];
      for (const receiver of [early, OTHER_RECEIVER, late]) run.report({ ...other, receiver, sequence: 1 });
      run.report({ receiver: OTHER_RECEIVER, sequence: 2 });
      run.report({ receiver: early, sequence: 2 });
      expect(run.session.counters().receiver.id).toBe(OTHER_RECEIVER);
      expect(run.session.counters().reports.rejected).toEqual({ retired: 1 });
      run.report({ receiver: late, sequence: 2 });
      expect(run.session.counters().receiver.id).toBe(late);
    });

    test('of which there are many: sixteen are remembered, and the newest still gets its turn', () => {
      const run = known();
      for (let count = 1; count <= 100; count++) {
        run.report({ ...other, receiver: count.toString(16).padStart(16, '0'), sequence: 1 });
      }
      run.report({ receiver: (84).toString(16).padStart(16, '0'), sequence: 2 });
      expect(run.session.counters().receiver.id).toBe(RECEIVER);
      run.report({ receiver: (100).toString(16).padStart(16, '0'), sequence: 2 });
      expect(run.session.counters().receiver.id).toBe((100).toString(16).padStart(16, '0'));
    });
  });

  test.each([
    ['plaintext', undefined],
    ['sealed', KEY],
  ])('20,000 mutated ones, %s: nothing throws, each is counted once, memory and answers stay bounded', (_, key) => {
    const random = createRandom(seedOfThisRun());
    const run = new SendingRun({ key });
    run.send(50);
    const originals = [0, 1, 5, 90].map((ranges) =>
      reportOf({
        key,
        highest: 51,
        missing: missing(...Array.from({ length: Math.min(ranges, 45) }, (_, at) => at + 2)),
      }),
    );
    for (let count = 0; count < 20_000; count++) {
      const mutated = random.pick(originals).slice(0, random.chance(0.2) ? random.below(120) : 2000);
      const flips = random.below(4) + 1;
      for (let flip = 0; flip < flips && mutated.length > 0; flip++)
        mutated[random.below(mutated.length)] = random.below(256);
      run.session.report(mutated, run.nowMs);
      if (count % 100 === 0) run.until(run.nowMs + 1);
    }
    const { reports, waitingBytes, resent } = run.session.counters();
    const context = `seed ${random.seed}`;
    expect(
      Object.values(reports.rejected).reduce((sum, each) => sum + each, reports.received),
      context,
    ).toBe(20_000);
    if (key !== undefined) expect(reports.received, context).toBeLessThan(100); // some mutations change nothing
    expect(waitingBytes, context).toBeLessThan(100_000);
    expect(resent.bytes, context).toBeLessThan(270_000);
  });
});

describe('start: what a receiver that reports for the first time is told', () => {
  const older = (run: SendingRun): void => void run.until(5000).report({ receiver: OTHER_RECEIVER }).until(5100);
  test.each([
    ['none was known: the oldest datagram that can be sent again', {}, undefined, 6000, 5, 7],
    ['none was known, nothing kept, the session is young: its first', { resendBytes: 0 }, undefined, 900, 1, 1],
    ['none was known, nothing kept, the session is older: the next', { resendBytes: 0 }, undefined, 1000, 8, 6],
    ['another one was known: the next', {}, older, 6000, 15, 6],
    ['another one was known, nothing kept: the next', { resendBytes: 0 }, older, 6000, 13, 6],
  ] as const)('%s', (_, options, first, atMs, sequence, number) => {
    const run = new SendingRun(options);
    run.send(5);
    first?.(run);
    run.until(atMs);
    const totals = run.left.length;
    const oldest = run.left.find((each) => atMs - each.atMs < 1000)!;
    run.report({ highest: 1 }).until(atMs + 20);
    const { start } = run.lastTotals.totals;
    expect(run.left[totals]?.totals?.start).toEqual(start);
    expect(start?.receiver).toBe(RECEIVER);
    if (first === undefined && !('resendBytes' in options)) {
      expect(start).toMatchObject({ sequence: oldest.sequence, number: oldest.firstNumber });
    } else {
      expect([start?.sequence, start?.number]).toEqual([sequence, number]);
    }
  });

  test('what waits to leave for the first time is meant for a new receiver, too', () => {
    const run = new SendingRun();
    run.report({ receiver: OTHER_RECEIVER }).until(2000);
    for (let request = 0; request < 200; request++) run.session.add(numbered(request, 1132), run.nowMs);
    for (let left = 0; left < 10; left++) run.session.next(run.nowMs);
    // What the first one was sent: totals at 0, 20, 1,020 ms, and ten requests.
    run.report({ highest: 1 });
    run.until(2100);
    expect(run.lastTotals.totals.start).toEqual({ receiver: RECEIVER, sequence: 14, number: 11 });
  });

  test('it stays the same in all totals, until another receiver comes', () => {
    const run = new SendingRun();
    run.report({}).until(3000).report({}).until(4000);
    const starts = new Set(run.left.flatMap(({ totals }) => (totals?.start ? [JSON.stringify(totals.start)] : [])));
    expect(starts.size).toBe(1);
  });
});

describe('totals', () => {
  test('at the start and each second, whether anybody listens or not', () => {
    const run = new SendingRun().until(3500);
    expect(run.left.map(({ atMs, totals }) => [atMs, totals?.final])).toEqual(
      [0, 1000, 2000, 3000].map((at) => [at, false]),
    );
  });

  test.each([
    ['a new receiver', { receiver: OTHER_RECEIVER }, true],
    ['one that is not confirmed', { isConfirmed: false }, true],
    ['one that asks for what is gone', { highest: 2, missing: missing(1) }, true],
    ['one that asks for what is there', { highest: 5, missing: missing(4) }, false],
    ['any other', {}, false],
  ] as [string, ReportCase, boolean][])('at once for %s', (_, report, goesOut) => {
    const run = new SendingRun();
    run.until(10).report({});
    run.until(1500).send(2);
    const before = run.left.length;
    run.until(1550).report(report);
    expect(run.left.slice(before).some(({ totals, atMs }) => totals !== undefined && atMs === 1550)).toBe(goesOut);
  });

  test('twice behind the last records, so that a missing datagram is seen before it is let go', () => {
    const run = new SendingRun();
    run.until(1500).send(2);
    run.until(1550).send(1);
    run.until(2600);
    const at = run.left.flatMap(({ atMs, totals }) => (totals === undefined ? [] : [atMs]));
    expect(at).toEqual([0, 1000, 1650, 1850]);
    const off = new SendingRun({ resendBytes: 0 });
    off.until(1500).send(2);
    off.until(1900);
    expect(off.left.filter(({ totals }) => totals !== undefined)).toHaveLength(2);
  });

  test('at most each 20 ms', () => {
    const run = new SendingRun();
    for (let report = 0; report < 100; report++) run.report({ isConfirmed: false }).until(run.nowMs + 1);
    expect(run.left.map(({ atMs }) => atMs)).toEqual([0, 20, 40, 60, 80, 100]);
  });

  test('resend from: the oldest that is kept, what leaves next where none is', () => {
    const run = new SendingRun();
    run.send(3);
    expect(run.until(500) && run.report({}).lastTotals.totals.resendFrom).toBe(1);
    // The totals behind the last records are kept, too, but for those of the first second.
    expect(run.until(1600).lastTotals.totals.resendFrom).toBe(8);
  });
});

describe('silence and refusals', () => {
  test('said within two seconds, and again when somebody answers', () => {
    const run = new SendingRun().until(2500);
    expect([run.news, run.session.silentSinceMs]).toEqual([['1900 silent'], 0]);
    run.report({}).until(6000);
    expect(run.news).toEqual(['1900 silent', '2500 receiving', '4500 silent']);
    expect(run.session.counters().receiver).toMatchObject({ state: 'silent', silentTimes: 2 });
  });

  test('a silent receiver is sent to, a refusing one is not: records are refused, totals go as probes', () => {
    const run = new SendingRun({ isLoopback: true }).until(2500);
    expect(run.session.add(record(), run.nowMs)).toBeUndefined();
    run.session.refused(run.nowMs);
    expect(run.session.add(record(), run.nowMs)).toBe('no-receiver');
    expect(run.session.add(record({ kind: 'connection-end' }), run.nowMs)).toBe('no-receiver');
    run.until(2760);
    expect(run.left.at(-1)?.totals).toBeDefined();
    run.until(3100);
    expect(run.session.add(record(), run.nowMs)).toBeUndefined();
    expect(run.session.counters()).toMatchObject({ sent: 2, refused: { 'no-receiver': 2 }, refusedRequests: 1 });
  });

  test('another address: totals go there at once, and records are taken', () => {
    const run = new SendingRun().until(2500);
    run.session.readdressed(run.nowMs, false);
    run.until(2501);
    expect(run.lastTotals.atMs).toBe(2501);
    expect(run.session.add(record(), run.nowMs)).toBeUndefined();
  });

  test('another address after refusals: the next probe goes there, and records are taken once somebody reports', () => {
    const run = new SendingRun().until(500);
    run.session.refused(run.nowMs);
    run.session.readdressed(run.nowMs + 10, false);
    run.until(740);
    expect([run.lastTotals.atMs, run.session.add(record(), run.nowMs)]).toEqual([0, 'no-receiver']);
    run.until(760);
    expect([run.lastTotals.atMs, run.session.add(record(), run.nowMs)]).toEqual([750, 'no-receiver']);
    expect(run.report({}).session.add(record(), run.nowMs)).toBeUndefined();
  });
});

describe('the end', () => {
  /** When it is finished, and when final totals left. */
  const ending = (
    run: SendingRun,
    each: (run: SendingRun) => void = () => {},
  ): { finishedMs: number; finals: number[] } => {
    const startMs = run.nowMs;
    run.session.finish(run.nowMs);
    expect(run.session.add(record(), run.nowMs)).toBe('closed');
    while (!run.session.isFinished(run.nowMs) && run.nowMs - startMs < 10_000) {
      run.until(run.nowMs + 1);
      each(run);
    }
    const finals = run.left.filter(({ totals }) => totals?.final).map(({ atMs }) => atMs - startMs - 1);
    return { finishedMs: run.nowMs - startMs, finals };
  };

  test('nobody is there: three final totals, and over', () => {
    const run = new SendingRun().until(2500);
    const { finishedMs, finals } = ending(run);
    expect(finals).toEqual([0, 20, 270]);
    expect(finishedMs).toBeLessThan(280);
  });

  test('a receiver that has all: over with its report', () => {
    const run = new SendingRun();
    run.send(5);
    run.report({ highest: 6, received: 5 }).until(100);
    const { finishedMs, finals } = ending(run, () => run.report({ highest: run.highest, received: 5 }));
    expect([finals, finishedMs <= 3]).toEqual([[0], true]);
  });

  test.each([
    ['asks for something', { received: 4, missing: missing(3) }],
    ['is not confirmed', { received: 5, isConfirmed: false }],
    ['has not heard the final totals', { received: 5, highest: 6 }],
  ] as [string, ReportCase][])('a receiver that %s: the sender stays 1 s', (_, report) => {
    const run = new SendingRun();
    run.send(5);
    run.report({ highest: 6, received: 4 }).until(100);
    const { finishedMs } = ending(run, () => run.report({ highest: run.highest, ...report }));
    expect(finishedMs).toBeGreaterThanOrEqual(1000);
    expect(finishedMs).toBeLessThan(1010);
  });

  test('a receiver that was restarted counts from its own start: asking for nothing, it has all', () => {
    const run = new SendingRun();
    run.send(5);
    run.report({ highest: 6, received: 5 }).until(100);
    const { finishedMs } = ending(run, () =>
      run.report({ receiver: '1122334455667788', highest: run.highest, received: 1 }),
    );
    expect(finishedMs).toBeLessThan(50);
  });

  test('one that gets what it misses meanwhile: over then; what it has lost for good counts as known', () => {
    const run = new SendingRun();
    run.send(5);
    run.report({ highest: 6, received: 3 }).until(100);
    const { finishedMs } = ending(run, () => {
      const isBack = run.nowMs >= 150;
      run.report({ highest: run.highest, received: isBack ? 4 : 3, lost: 1, missing: isBack ? [] : missing(3) });
    });
    expect(finishedMs).toBeGreaterThanOrEqual(50);
    expect(finishedMs).toBeLessThan(55);
    expect(run.session.counters().resent.datagrams).toBeGreaterThan(0);
  });

  test('nothing is kept, so nothing is waited for', () => {
    const run = new SendingRun({ resendBytes: 0 });
    run.send(5);
    run.report({ highest: 6, received: 4 }).until(100);
    expect(ending(run).finishedMs).toBeLessThan(280);
  });

  test('all that waits leaves before; what has not left within 4 s is given up, and counted', () => {
    const session = new SendingSession(
      { session: SESSION, totals: () => ({ captured: 0, dropped: {} }), nowUs: () => 0, onReceiver: () => {} },
      0,
    );
    for (let request = 0; request < 100; request++) session.add(numbered(request, 1132), 0);
    session.finish(0);
    session.advance(3999);
    expect([session.counters().abandonedDatagrams, session.isFinished(3999)]).toEqual([0, false]);
    session.advance(4000);
    expect(session.counters().abandonedDatagrams).toBe(101);
    expect(session.next(4000)).toBeDefined();
    session.advance(4020);
    session.next(4020);
    session.advance(4270);
    session.next(4270);
    expect(session.isFinished(4270)).toBe(true);
  });
});

test.each([
  [{ resendBytes: 1000 }, 'resendBytes must be an integer from 65536 to 1073741824, not 1000'],
  [{ resendMs: 0 }, 'resendMs must be an integer from 10 to 60000, not 0'],
  [{ resendShare: 2 }, 'resendShare must be a number from 0 to 1, not 2'],
  [{ session: 'x' }, 'session must be 16 lower-case hexadecimal digits'],
])('misuse is told: %o', (options, message) => {
  expect(() => new SendingRun(options)).toThrow(message);
});
