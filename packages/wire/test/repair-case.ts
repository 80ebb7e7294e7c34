// A load through a sender, a lossy network and a receiver, and what must hold afterwards.
import { expect } from 'vitest';
import { createRandom } from '../../../test/kit/random.ts';
import { wireVector } from '../../../test/kit/wire-vectors.ts';
import { wireKey } from '../src/sealing.ts';
import { JoinedEnds, type LinkBehaviour } from './joined-ends.ts';
import { RecordAccount } from './record-account.ts';

const PER_MS = 10;
const key = wireKey(wireVector('shared-key'));

/** The network, and what both ends do. */
export interface RepairCase {
  readonly link: LinkBehaviour;
  readonly isSealed: boolean;
  readonly isRepaired: boolean;
  /** Called with a copy of each datagram that the sender sends. */
  readonly onSent?: (datagram: Uint8Array) => void;
}

/** Sends so many records, ten a millisecond, and ends. */
export function runRepairCase(
  { link, isSealed, isRepaired, onSent }: RepairCase,
  seed: number,
  records: number,
): [JoinedEnds, RecordAccount] {
  const random = createRandom(seed);
  const account = new RecordAccount({ random });
  // UDP's checksum finds what is corrupted on the way: in plaintext it is lost before anyone of us sees it.
  const { corrupt = 0, loss = 0 } = link;
  const ends = new JoinedEnds({
    random,
    link: isSealed ? link : { ...link, corrupt: 0, loss: loss + corrupt },
    key: isSealed ? key : undefined,
    onRecord: (record) => account.arrived(record),
    ...(onSent === undefined ? {} : { onSent }),
    sender: isRepaired ? {} : { resendBytes: 0 },
  });
  // The way back is there before the load is, as it is wherever a session is older than a second.
  ends.run(50);
  for (let count = 0; count < records; count++) {
    const record = account.next();
    if (ends.offer(record)) account.taken(record);
    if (count % PER_MS === PER_MS - 1) ends.step();
  }
  ends.finish();
  return [ends, account];
}

/** What holds on every network. */
export function expectAccounted(ends: JoinedEnds, account: RecordAccount, note: string): void {
  const session = ends.decoder.ledger().sessions[0]!;
  const sender = ends.sender.counters();
  expect(account.problems, note).toEqual([]);
  expect(sender.sent, note).toBe(account.sent);
  expect(session.received, note).toBe(account.delivered);
  expect(session.waiting, note).toBe(0);
  expect(session.sent, note).toBe(session.received + session.lost + session.beforeStart);
  expect(session.totals?.final, `${note}: no final totals came`).toBe(true);
  expect(session.sent, note).toBe(account.sent);
  expect(session.lost + session.beforeStart, note).toBe(account.sent - account.delivered);
  expect(session.state, note).toBe('ended');
  expect(ends.overBudgetBytes, note).toBe(0);
  expect(sender.resent, note).toMatchObject({ datagrams: ends.again.datagrams, bytes: ends.again.bytes });
  expect(ends.reported.bytes, note).toBeLessThanOrEqual(ends.forward.counts.delivered * 1200);
}
