// Holds the fragments of large records until each record is whole. Allocates blocks of about 16 KiB as fragments arrive
// (a buffer for each fragment makes the garbage collector stop for long), never a declared length; joins once. Bounded by bytes, records, records of a session, and time without progress.

import type { Fragment } from './datagram.ts';

/** What unfinished records may take. */
export interface FragmentLimits {
  /** Bytes allocated in all; default 64 MiB. While a record is joined it is there twice. */
  readonly maxFragmentBytes: number;
  /** Unfinished records in all; default 1,024. */
  readonly maxFragmentedRecords: number;
  /** Unfinished records of one session; default 256. */
  readonly maxFragmentedRecordsOfSession: number;
  /** How long a record may stand without a new fragment, in milliseconds; default 2,000. */
  readonly fragmentIdleMs: number;
}

/**
 * Why an unfinished record was let go: the table was full by bytes, records, or the session's records, it stood too long, its session
 * ended, or a piece of it will not come any more (`gap`).
 */
export type FragmentEviction = 'bytes' | 'records' | 'session-records' | 'idle' | 'session-ended' | 'gap';

/** What the table holds and let go. */
export interface FragmentCounters {
  /** Records now unfinished, and what they hold in bytes as the limit counts. */
  readonly waitingRecords: number;
  readonly waitingBytes: number;
  /** Records made whole. */
  readonly joined: number;
  /** Records let go unfinished, by reason; a request among them is in its session's `lost`. */
  readonly evicted: Readonly<Partial<Record<FragmentEviction, number>>>;
}

/** A record made whole. */
export interface JoinedRecord {
  readonly bytes: Uint8Array;
  /** The sequence of its last piece. */
  readonly lastSequence: number;
  /** A piece of it had been asked for. */
  readonly isRepaired: boolean;
}

const BLOCK_BYTES = 16 * 1024;
/** The bookkeeping of a block in memory, about. */
const BLOCK_OVERHEAD_BYTES = 256;

interface UnfinishedRecord {
  readonly session: string;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly firstNumber: number;
  readonly recordBytes: number;
  readonly pieceBytes: number;
  readonly isRequest: boolean;
  /** Pieces in a block, at least one. */
  readonly piecesInBlock: number;
  readonly blocks: Map<number, Uint8Array>;
  heldBytes: number;
  arrivedBytes: number;
  progressMs: number;
  isRepaired: boolean;
}

interface SessionRecords {
  readonly byFirst: Map<number, UnfinishedRecord>;
  readonly byLast: Map<number, UnfinishedRecord>;
  /** First sequences of the last records let go, so that what is left of them is known. */
  readonly letGo: Set<number>;
}

/** One table for all sessions of a receiver. */
export class FragmentTable {
  readonly #limits: FragmentLimits;
  readonly #onLetGo: (session: string, lastSequence: number) => void;
  readonly #sessions = new Map<string, SessionRecords>();
  /** All unfinished records; the one whose last progress is the longest ago comes first. */
  readonly #byProgress = new Set<UnfinishedRecord>();
  #heldBytes = 0;
  #joined = 0;
  readonly #evicted: Partial<Record<FragmentEviction, number>> = {};

  /** `onLetGo` is told the session of each record that was let go, and the sequence of the record's last piece. */
  constructor(limits: FragmentLimits, onLetGo: (session: string, lastSequence: number) => void = () => undefined) {
    this.#limits = limits;
    this.#onLetGo = onLetGo;
  }

  /** Whether pieces of the record that begins in this sequence are held. */
  has(session: string, firstSequence: number): boolean {
    return this.#find(session, firstSequence) !== undefined;
  }

  /** Whether the record was let go not long ago. */
  wasLetGo(session: string, firstSequence: number): boolean {
    return this.#sessions.get(session)?.letGo.has(firstSequence) === true;
  }

  /** Whether an unfinished record ends in this sequence. */
  endsIn(session: string, sequence: number): boolean {
    return this.#sessions.get(session)?.byLast.has(sequence) === true;
  }

  /** Where the unfinished record that ends in this sequence begins; undefined where there is none. */
  firstOf(session: string, lastSequence: number): number | undefined {
    return this.#sessions.get(session)?.byLast.get(lastSequence)?.firstSequence;
  }

  /** False where the fragment says something else than an earlier one of the same record did. */
  agrees(session: string, fragment: Fragment, sequence: number, firstNumber: number): boolean {
    const record = this.#find(session, sequence - fragment.index);
    return (
      record === undefined ||
      (record.recordBytes === fragment.recordBytes &&
        record.pieceBytes === fragment.pieceBytes &&
        record.isRequest === fragment.isRequest &&
        record.firstNumber === firstNumber)
    );
  }

  /** Takes a fragment that agrees, of a datagram not seen before; returns the encoded record if it is now whole. */
  add(session: string, fragment: Fragment, sequence: number, number: number, nowMs: number): JoinedRecord | undefined {
    const record = this.#find(session, sequence - fragment.index) ?? this.#start(session, fragment, sequence, number);
    this.#store(record, fragment);
    record.progressMs = nowMs;
    this.#byProgress.delete(record);
    if (record.arrivedBytes === record.recordBytes) {
      this.#remove(record);
      this.#joined++;
      return { bytes: join(record), lastSequence: record.lastSequence, isRepaired: record.isRepaired };
    }
    this.#byProgress.add(record);
    while (this.#heldBytes > this.#limits.maxFragmentBytes) this.#evictOldest('bytes');
    return undefined;
  }

  /** A piece of the record had been asked for. */
  noteRepair(session: string, firstSequence: number): void {
    const record = this.#find(session, firstSequence);
    if (record !== undefined) record.isRepaired = true;
  }

  /** The record that begins in this sequence, and of which nothing is held, cannot become whole. */
  refuse(session: string, firstSequence: number): void {
    this.#remember(this.#sessionOf(session), firstSequence);
    this.#evicted.gap = (this.#evicted.gap ?? 0) + 1;
  }

  /** Sequences, end exclusive, will not come any more: lets go the records that have pieces there. */
  giveUp(session: string, first: number, end: number): void {
    for (const record of this.#sessions.get(session)?.byFirst.values() ?? []) {
      if (record.firstSequence < end && record.lastSequence >= first) this.#evict(record, 'gap');
    }
  }

  /** Lets go what had no progress for too long. */
  advance(nowMs: number): void {
    for (const record of this.#byProgress) {
      if (nowMs - record.progressMs < this.#limits.fragmentIdleMs) return;
      this.#evict(record, 'idle');
    }
  }

  /** Lets go everything of a session. */
  endSession(session: string): void {
    for (const record of this.#sessions.get(session)?.byFirst.values() ?? []) this.#evict(record, 'session-ended');
    this.#sessions.delete(session);
  }

  counters(): FragmentCounters {
    return {
      waitingRecords: this.#byProgress.size,
      waitingBytes: this.#heldBytes,
      joined: this.#joined,
      evicted: { ...this.#evicted },
    };
  }

  #find(session: string, firstSequence: number): UnfinishedRecord | undefined {
    return this.#sessions.get(session)?.byFirst.get(firstSequence);
  }

  #start(session: string, fragment: Fragment, sequence: number, firstNumber: number): UnfinishedRecord {
    const ofSession = this.#sessionOf(session);
    if (ofSession.byFirst.size >= this.#limits.maxFragmentedRecordsOfSession) {
      for (const earliest of ofSession.byFirst.values()) {
        this.#evict(earliest, 'session-records');
        break;
      }
    }
    if (this.#byProgress.size >= this.#limits.maxFragmentedRecords) this.#evictOldest('records');
    const record: UnfinishedRecord = {
      session,
      firstSequence: sequence - fragment.index,
      lastSequence: sequence - fragment.index + Math.ceil(fragment.recordBytes / fragment.pieceBytes) - 1,
      firstNumber,
      recordBytes: fragment.recordBytes,
      pieceBytes: fragment.pieceBytes,
      isRequest: fragment.isRequest,
      piecesInBlock: Math.max(1, Math.floor(BLOCK_BYTES / fragment.pieceBytes)),
      blocks: new Map(),
      heldBytes: 0,
      arrivedBytes: 0,
      progressMs: 0,
      isRepaired: false,
    };
    ofSession.byFirst.set(record.firstSequence, record);
    ofSession.byLast.set(record.lastSequence, record);
    return record;
  }

  #sessionOf(id: string): SessionRecords {
    let session = this.#sessions.get(id);
    if (session === undefined) {
      session = { byFirst: new Map(), byLast: new Map(), letGo: new Set() };
      this.#sessions.set(id, session);
    }
    return session;
  }

  #remember({ letGo }: SessionRecords, firstSequence: number): void {
    letGo.add(firstSequence);
    if (letGo.size <= this.#limits.maxFragmentedRecordsOfSession) return;
    for (const oldest of letGo) {
      letGo.delete(oldest);
      return;
    }
  }

  #store(record: UnfinishedRecord, { index, piece }: Fragment): void {
    const blockIndex = Math.floor(index / record.piecesInBlock);
    let block = record.blocks.get(blockIndex);
    if (block === undefined) {
      const blockBytes = record.piecesInBlock * record.pieceBytes;
      block = new Uint8Array(Math.min(blockBytes, record.recordBytes - blockIndex * blockBytes));
      record.blocks.set(blockIndex, block);
      record.heldBytes += block.length + BLOCK_OVERHEAD_BYTES;
      this.#heldBytes += block.length + BLOCK_OVERHEAD_BYTES;
    }
    block.set(piece, (index % record.piecesInBlock) * record.pieceBytes);
    record.arrivedBytes += piece.length;
  }

  #evictOldest(reason: FragmentEviction): void {
    for (const oldest of this.#byProgress) {
      this.#evict(oldest, reason);
      return;
    }
  }

  #evict(record: UnfinishedRecord, reason: FragmentEviction): void {
    this.#remove(record);
    this.#remember(this.#sessionOf(record.session), record.firstSequence);
    this.#evicted[reason] = (this.#evicted[reason] ?? 0) + 1;
    this.#onLetGo(record.session, record.lastSequence);
  }

  #remove(record: UnfinishedRecord): void {
    this.#heldBytes -= record.heldBytes;
    this.#byProgress.delete(record);
    const ofSession = this.#sessions.get(record.session);
    ofSession?.byFirst.delete(record.firstSequence);
    // A forged piece may name another record that ends in the same sequence.
    if (ofSession?.byLast.get(record.lastSequence) === record) ofSession.byLast.delete(record.lastSequence);
  }
}

/** Every piece but the last has one length and each index came once, so the bytes are complete when their sum is. */
function join(record: UnfinishedRecord): Uint8Array {
  const bytes = new Uint8Array(record.recordBytes);
  const blockBytes = record.piecesInBlock * record.pieceBytes;
  for (const [index, block] of record.blocks) bytes.set(block, index * blockBytes);
  return bytes;
}
