// The sender's totals: what it captured, sent and dropped, so that the receiver knows the loss to the record.
// Layout and bounds: docs/wire-protocol.md, "Sender's totals".

import { readU32, readU64, writeU64 } from './big-endian.ts';
import { idText, writeId } from './ids.ts';

/** What the owner of a sender counts by itself. */
export interface SenderTotals {
  /** Requests captured so far. */
  readonly captured: number;
  /** Requests not sent, by reason; a reason is 1 to 40 characters of a-z, 0-9, `-` and `.`. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Frames that the kernel dropped before capture; left out where the engine cannot tell. */
  readonly kernelDrops?: number | undefined;
}

/** What travels: the owner's counts, and the sender's own. */
export interface ReportedTotals extends SenderTotals {
  /** Request records numbered and put into a datagram. */
  readonly sent: number;
  /** Payload bytes of these records. */
  readonly bytes: number;
  /** The sender has ended; nothing new is sent after this. */
  readonly final: boolean;
  /** The receiver that the sender knows; undefined where none has reported yet. */
  readonly start: SessionStart | undefined;
  /** The lowest sequence that the sender may still send again; 0 where it sends nothing again. */
  readonly resendFrom: number;
}

/** From where on a session is meant for a receiver: what was sent before may have reached an earlier one. */
export interface SessionStart {
  /** The receiver's id, 16 lower-case hexadecimal digits. */
  readonly receiver: string;
  /** The first sequence. */
  readonly sequence: number;
  /** The first number of the datagram of that sequence. */
  readonly number: number;
}

/** A totals payload names this many reasons at most; a sender adds up what is beyond as `other`. */
export const MAX_REASONS = 20;
/** Characters in a reason. */
export const MAX_REASON_LENGTH = 40;

/** The name of what has none of its own. */
const REST = 'other';

const FLAG_FINAL = 1;
const FLAG_KERNEL_DROPS = 2;
const REASON_COUNT = 1;
const CAPTURED = 4;
const SENT = 12;
const BYTES = 20;
const KERNEL_DROPS = 28;
const RECEIVER = 36;
const START_SEQUENCE = 44;
const START_NUMBER = 52;
const RESEND_FROM = 60;
const FIXED_BYTES = 68;
const COUNT_BYTES = 8;

/** Totals as a payload of at most `maxBytes`, at least 117, and at most 1,048 in any case; reasons that do not fit are added up as `other`. */
export function encodeTotals(totals: ReportedTotals, maxBytes: number): Uint8Array {
  const reasons = boundedReasons(totals.dropped, maxBytes - FIXED_BYTES);
  const bytes = new Uint8Array(FIXED_BYTES + reasons.reduce((sum, [name]) => sum + bytesOfReason(name), 0));
  bytes[0] = (totals.final ? FLAG_FINAL : 0) | (totals.kernelDrops === undefined ? 0 : FLAG_KERNEL_DROPS);
  bytes[REASON_COUNT] = reasons.length;
  writeU64(bytes, CAPTURED, totals.captured);
  writeU64(bytes, SENT, totals.sent);
  writeU64(bytes, BYTES, totals.bytes);
  writeU64(bytes, KERNEL_DROPS, totals.kernelDrops ?? 0);
  if (totals.start !== undefined) {
    writeId(bytes, RECEIVER, totals.start.receiver);
    writeU64(bytes, START_SEQUENCE, totals.start.sequence);
    writeU64(bytes, START_NUMBER, totals.start.number);
  }
  writeU64(bytes, RESEND_FROM, totals.resendFrom);
  let at = FIXED_BYTES;
  for (const [name, count] of reasons) {
    bytes[at++] = name.length;
    for (let character = 0; character < name.length; character++) bytes[at++] = name.charCodeAt(character);
    writeU64(bytes, at, count);
    at += COUNT_BYTES;
  }
  return bytes;
}

/** Reads a totals payload; undefined where it does not follow the layout to its last byte. */
export function readTotals(payload: Uint8Array): ReportedTotals | undefined {
  if (payload.length < FIXED_BYTES) return undefined;
  const flags = payload[0]!;
  if (flags > (FLAG_FINAL | FLAG_KERNEL_DROPS) || payload[2] !== 0 || payload[3] !== 0) return undefined;
  const dropped = readReasons(payload);
  const captured = readU64(payload, CAPTURED);
  const sent = readU64(payload, SENT);
  const bytes = readU64(payload, BYTES);
  const kernelDrops = readU64(payload, KERNEL_DROPS);
  if (dropped === undefined || captured < 0 || sent < 0 || bytes < 0 || kernelDrops < 0) return undefined;
  const start = readStart(payload);
  const resendFrom = readU64(payload, RESEND_FROM);
  if (start === 'bad' || resendFrom < 0) return undefined;
  const totals = { captured, dropped, sent, bytes, final: (flags & FLAG_FINAL) !== 0, start, resendFrom };
  return (flags & FLAG_KERNEL_DROPS) === 0 ? totals : { ...totals, kernelDrops };
}

/** All three are zero, or none is. */
function readStart(payload: Uint8Array): SessionStart | undefined | 'bad' {
  const [high, low] = [readU32(payload, RECEIVER), readU32(payload, RECEIVER + 4)];
  const sequence = readU64(payload, START_SEQUENCE);
  const number = readU64(payload, START_NUMBER);
  const isNone = high === 0 && low === 0;
  if (isNone) return sequence === 0 && number === 0 ? undefined : 'bad';
  return sequence < 1 || number < 1 ? 'bad' : { receiver: idText(high, low), sequence, number };
}

/** The largest counts under their names, names made to fit, the rest as `other`. */
function boundedReasons(dropped: Readonly<Record<string, number>>, maxBytes: number): [string, number][] {
  const counts = new Map<string, number>();
  let free = maxBytes - bytesOfReason(REST);
  const largestFirst = Object.entries(dropped).sort((a, b) => b[1] - a[1]);
  for (const [name, count] of largestFirst) {
    const fitting = fittingName(name);
    const isKnown = counts.has(fitting) || fitting === REST;
    const hasRoom = counts.size < MAX_REASONS - 1 && bytesOfReason(fitting) <= free;
    const under = isKnown || hasRoom ? fitting : REST;
    if (!isKnown && hasRoom) free -= bytesOfReason(fitting);
    counts.set(under, (counts.get(under) ?? 0) + count);
  }
  return [...counts];
}

function bytesOfReason(name: string): number {
  return 1 + name.length + COUNT_BYTES;
}

function fittingName(name: string): string {
  return (
    name
      .toLowerCase()
      .replace(/[^a-z0-9.-]/g, '-')
      .slice(0, MAX_REASON_LENGTH) || REST
  );
}

function readReasons(payload: Uint8Array): Record<string, number> | undefined {
  const count = payload[REASON_COUNT]!;
  if (count > MAX_REASONS) return undefined;
  const dropped: Record<string, number> = {};
  let at = FIXED_BYTES;
  for (let reason = 0; reason < count; reason++) {
    const length = payload[at] ?? 0;
    if (length < 1 || length > MAX_REASON_LENGTH || at + 1 + length + COUNT_BYTES > payload.length) return undefined;
    const name = readName(payload, at + 1, length);
    const dropCount = readU64(payload, at + 1 + length);
    if (name === undefined || Object.hasOwn(dropped, name) || dropCount < 0) return undefined;
    dropped[name] = dropCount;
    at += 1 + length + COUNT_BYTES;
  }
  return at === payload.length ? dropped : undefined;
}

function readName(payload: Uint8Array, at: number, length: number): string | undefined {
  let name = '';
  for (const byte of payload.subarray(at, at + length)) {
    const isLetter = byte >= 0x61 && byte <= 0x7a;
    const isDigit = byte >= 0x30 && byte <= 0x39;
    if (!isLetter && !isDigit && byte !== 0x2d && byte !== 0x2e) return undefined;
    name += String.fromCharCode(byte);
  }
  return name;
}
