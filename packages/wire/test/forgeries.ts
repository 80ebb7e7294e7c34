// Datagrams that somebody without the key can make: out of nothing, or out of what was seen on the way.
import { mutated } from '../../../test/kit/mutation.ts';
import type { Random } from '../../../test/kit/random.ts';
import { oracleKeyId, oracleSeal } from '../../../test/kit/wire-oracle.ts';
import type { WireKey } from '../src/sealing.ts';
import { JoinedEnds } from './joined-ends.ts';
import { RecordAccount } from './record-account.ts';

/** A sealed session as who sees the network has it, with the ends that still hold it. */
export interface Overheard {
  readonly ends: JoinedEnds;
  readonly account: RecordAccount;
  readonly sent: readonly Uint8Array[];
  readonly reported: readonly Uint8Array[];
}

/** An exchange of so many records under a key, over a perfect link. It is not over: the sender has not finished. */
export function overheard(random: Random, key: WireKey, records: number, session?: string): Overheard {
  const account = new RecordAccount({ random });
  const sent: Uint8Array[] = [];
  const reported: Uint8Array[] = [];
  const ends = new JoinedEnds({
    random,
    key,
    onRecord: (record) => account.arrived(record),
    ...(session === undefined ? {} : { sender: { session } }),
    onSent: (datagram) => void sent.push(datagram),
    onReported: (datagram) => void reported.push(datagram),
  });
  ends.run(50);
  for (let count = 0; count < records; count++) {
    const record = account.next();
    if (ends.offer(record)) account.taken(record);
    if (count % 2 === 0) ends.step();
  }
  ends.run(100);
  ends.listen(1000);
  return { ends, account, sent, reported };
}

export interface Forgery {
  readonly what: string;
  readonly make: () => Uint8Array;
  /** Under which reasons such a datagram may be counted; `duplicate` where it is no reason but a count. */
  readonly reasons: readonly string[];
}

const HEADER_REASONS = ['too-short', 'wrong-magic', 'unknown-version', 'unknown-flag', 'wrong-way', 'bad-number'];
const SEALED_REASONS = ['not-sealed', 'unknown-key', 'forged', 'too-old'];
const FRESH_FROM = 2 ** 20;

/** The same bytes, given a sequence that was not sent yet. */
function withFreshSequence(datagram: Uint8Array, random: Random): Uint8Array {
  new DataView(datagram.buffer).setBigUint64(16, BigInt(FRESH_FROM + random.below(2 ** 30)));
  return datagram;
}

/** The same bytes, given another key id. */
function withKeyId(datagram: Uint8Array, id: number): Uint8Array {
  new DataView(datagram.buffer).setUint16(6, id);
  return datagram;
}

/** For a receiver that has the whole session. */
export function forgedDatagrams(random: Random, key: WireKey, { sent, reported }: Overheard): Forgery[] {
  const wrongKey = random.bytes(32);
  const original = (): Uint8Array => random.pick(sent).slice();
  const fresh = (datagram: Uint8Array): Uint8Array => withFreshSequence(datagram, random);
  const otherSession = (datagram: Uint8Array): Uint8Array => {
    datagram.set(random.bytes(8), 8);
    return datagram;
  };
  const flipped = (datagram: Uint8Array): Uint8Array => {
    datagram[24 + random.below(datagram.length - 24)]! ^= 1 << random.below(8);
    return datagram;
  };
  const otherIds = 2 + ((oracleKeyId(key.bytes) + random.below(60_000)) % 65_000);
  return [
    { what: 'noise', make: () => random.bytes(random.below(300)), reasons: ['too-short', 'wrong-magic'] },
    { what: 'sent in plaintext', make: () => fresh(withKeyId(original(), 0)), reasons: ['not-sealed'] },
    {
      what: 'sealed under a key that nobody has',
      make: () => fresh(withKeyId(original(), otherIds)),
      reasons: otherIds === key.id ? ['forged'] : ['unknown-key'],
    },
    {
      what: 'sealed under another key, with the id of ours',
      make: () => withKeyId(oracleSeal(fresh(withKeyId(original(), 0)), wrongKey), key.id),
      reasons: ['forged'],
    },
    {
      what: 'mutated',
      make: () => mutated(original(), random, sent),
      reasons: [...HEADER_REASONS, ...SEALED_REASONS, 'duplicate'],
    },
    {
      what: 'cut off',
      make: () => {
        const datagram = original();
        return fresh(datagram).slice(0, random.below(datagram.length));
      },
      reasons: ['too-short', 'forged'],
    },
    { what: 'sent before', make: original, reasons: ['duplicate'] },
    { what: 'of another sequence', make: () => fresh(original()), reasons: ['forged'] },
    { what: 'of another session', make: () => otherSession(original()), reasons: ['forged'] },
    {
      what: 'with a bit changed behind the sequence',
      make: () => flipped(fresh(original())),
      reasons: ['forged', 'bad-number'],
    },
    { what: 'a report', make: () => random.pick(reported).slice(), reasons: ['wrong-way'] },
  ];
}

/** For a sender that has heard all the reports. */
export function forgedReports(random: Random, key: WireKey, { sent, reported }: Overheard): Forgery[] {
  const wrongKey = random.bytes(32);
  const original = (): Uint8Array => random.pick(reported).slice();
  const fresh = (datagram: Uint8Array): Uint8Array => withFreshSequence(datagram, random);
  const ofOther = (at: number) => (): Uint8Array => {
    const datagram = fresh(original());
    datagram.set(random.bytes(8), at);
    return datagram;
  };
  return [
    { what: 'noise', make: () => random.bytes(random.below(300)), reasons: ['too-short', 'wrong-magic'] },
    { what: 'in plaintext', make: () => fresh(withKeyId(original(), 0)), reasons: ['not-sealed'] },
    {
      what: 'sealed under another key, with the id of ours',
      make: () => withKeyId(oracleSeal(fresh(withKeyId(original(), 0)), wrongKey), key.id),
      reasons: ['forged'],
    },
    {
      what: 'mutated',
      make: () => mutated(original(), random, reported),
      reasons: [...HEADER_REASONS, ...SEALED_REASONS, 'other-session'],
    },
    { what: 'cut off', make: () => fresh(original()).slice(0, random.below(80)), reasons: ['too-short', 'forged'] },
    { what: 'heard before', make: original, reasons: ['too-old'] },
    { what: 'of another sequence', make: () => fresh(original()), reasons: ['forged'] },
    { what: 'to another session', make: ofOther(8), reasons: ['other-session'] },
    { what: 'of another receiver', make: ofOther(24), reasons: ['forged'] },
    { what: 'a datagram of its own', make: () => random.pick(sent).slice(), reasons: ['wrong-way'] },
  ];
}
