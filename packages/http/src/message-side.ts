// What the readers ask of a side: the few points in which requests and responses differ. Everything else about reading a
// message - states, lines, fields, bodies, holes, memory - is the same for both.

import type { BodyReader } from './body-reader.ts';
import type { Framing } from './framing.ts';
import type { MessageBytes } from './message-bytes.ts';
import type { Opening, OtherProtocol, Verdict } from './other-protocol.ts';
import type { StreamCountersInUse } from './parser-counters.ts';
import type { SharedReason } from './reject.ts';

/** `to-earn`: out of step, but at the start of a line; `cut`: the beginning of the line may be missing, too. */
export type Trust = 'given' | 'to-earn' | 'cut';

/** What the first line of a message has to be. */
export interface StartLine<Reason extends string> {
  /** Reads on in the first word, at least one byte unless that is a line end which shows that this is no message. */
  readonly readStart: (bytes: MessageBytes, trust: Trust) => 'more' | 'complete' | 'no-message';
  /** Reads the whole line, LF included; `no-message`: nothing about it looks like HTTP. */
  readonly take: (line: string) => 'complete' | 'no-message' | Reason;
  /** Whether a whole line can be trusted where the stream's place is lost. */
  readonly isTrusted: (line: Uint8Array) => boolean;
  /** Whether bytes that end inside the line show all the same that a message was begun. */
  readonly isBegun: (bytes: Uint8Array) => boolean;
}

/** One side of a connection, asked by its MessageReader. Only what starts with `tell` and `deliver` calls handlers. */
export interface MessageSide<Reason extends string> {
  readonly counters: StreamCountersInUse;
  readonly start: StartLine<Reason | SharedReason>;
  /** False: nobody wants the messages, only where they end; asked once. Bodies are passed over, most fields not read. */
  readonly keepsMessages: boolean;
  /** Whether what follows in step has to earn trust: behind a CONNECT or an Upgrade. */
  readonly isDoubtful: boolean;
  /** Asked in step, before the first byte of a message; false: it waits outside. */
  readonly mayBegin: () => boolean;
  /** A message was begun, its first line taken or, at its end, not; its first byte was captured at that time. */
  readonly begin: (firstByteUs: number, isLineTaken: boolean) => void;
  /** A head is complete: how its body ends. Gets the fields that may decide it. */
  readonly frame: (decisive: readonly string[]) => Framing | Reason | SharedReason;
  /** A message is whole: what follows it; `opaque` where the stream leaves HTTP behind it. */
  readonly settle: () => 'between' | 'opaque';
  /** Calls the handler for a whole message, counted already. */
  readonly deliver: (
    bytes: Uint8Array,
    headers: readonly string[],
    firstByteUs: number,
    bodyStart: number,
    body: BodyReader,
    lastByteUs: number,
    index: number,
  ) => void;
  /** Counts a message given up. Returns what calls its handler. */
  readonly reject: (reason: Reason | SharedReason, timestampUs: number, index: number) => () => void;
  /** How many messages the bytes from here on hold is unknown. */
  readonly lose: () => void;
  /** What the first bytes of a stream, which are no message, belong to. */
  readonly judge: (bytes: Uint8Array, isLine: boolean, opening: Opening) => Verdict;
  /** The same where they belong to nothing known: a reason where they are a broken message all the same. */
  readonly refuseUnknown: () => Reason | undefined;
  /** What the stream speaks instead, once. */
  readonly tellOther: (protocol: OtherProtocol) => void;
  /** What follows a doubtful message is none; nothing is doubtful any more. Returns what calls the handler. */
  readonly takeOpaque: () => (() => void) | undefined;
}
