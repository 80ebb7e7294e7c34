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

/** Why an unfinished record was let go: the table was full by bytes, records, or the session's records, or it stood too long. */
export type FragmentEviction = 'bytes' | 'records' | 'session-records' | 'idle' | 'session-ended';

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

const BLOCK_BYTES = 16 * 1024;
/** The bookkeeping of a block in memory, about. */
const BLOCK_OVERHEAD_BYTES = 256;

interface UnfinishedRecord {
  readonly session: string;
  readonly firstSequence: number;
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
}

/** One table for all sessions of a receiver. */
export class FragmentTable {
  readonly #limits: FragmentLimits;
  readonly #sessions = new Map<string, Map<number, UnfinishedRecord>>();
  /** All unfinished records; the one whose last progress is the longest ago comes first. */
  readonly #byProgress = new Set<UnfinishedRecord>();
  #heldBytes = 0;
  #joined = 0;
  readonly #evicted: Partial<Record<FragmentEviction, number>> = {};

  constructor(limits: FragmentLimits) {
    this.#limits = limits;
  }

  /** False where the fragment says something else than an earlier one of the same record did. */
  agrees(session: string, fragment: Fragment, sequence: number, firstNumber: number): boolean {
    const record = this.#sessions.get(session)?.get(sequence - fragment.index);
    return (
      record === undefined ||
      (record.recordBytes === fragment.recordBytes &&
        record.pieceBytes === fragment.pieceBytes &&
        record.isRequest === fragment.isRequest &&
        record.firstNumber === firstNumber)
    );
  }

  /** Takes a fragment that agrees, of a datagram not seen before; returns the encoded record if it is now whole. */
  add(session: string, fragment: Fragment, sequence: number, number: number, nowMs: number): Uint8Array | undefined {
    const record = this.#find(session, sequence - fragment.index) ?? this.#start(session, fragment, sequence, number);
    this.#store(record, fragment);
    record.progressMs = nowMs;
    this.#byProgress.delete(record);
    if (record.arrivedBytes === record.recordBytes) {
      this.#remove(record);
      this.#joined++;
      return join(record);
    }
    this.#byProgress.add(record);
    while (this.#heldBytes > this.#limits.maxFragmentBytes) this.#evictOldest('bytes');
    return undefined;
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
    for (const record of this.#sessions.get(session)?.values() ?? []) this.#evict(record, 'session-ended');
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
    return this.#sessions.get(session)?.get(firstSequence);
  }

  #start(session: string, fragment: Fragment, sequence: number, firstNumber: number): UnfinishedRecord {
    const ofSession = this.#sessions.get(session);
    if (ofSession !== undefined && ofSession.size >= this.#limits.maxFragmentedRecordsOfSession) {
      for (const earliest of ofSession.values()) {
        this.#evict(earliest, 'session-records');
        break;
      }
    }
    if (this.#byProgress.size >= this.#limits.maxFragmentedRecords) this.#evictOldest('records');
    const record: UnfinishedRecord = {
      session,
      firstSequence: sequence - fragment.index,
      firstNumber,
      recordBytes: fragment.recordBytes,
      pieceBytes: fragment.pieceBytes,
      isRequest: fragment.isRequest,
      piecesInBlock: Math.max(1, Math.floor(BLOCK_BYTES / fragment.pieceBytes)),
      blocks: new Map(),
      heldBytes: 0,
      arrivedBytes: 0,
      progressMs: 0,
    };
    // Evicting may have removed the session's map, so it is looked up again.
    const records = this.#sessions.get(session) ?? new Map<number, UnfinishedRecord>();
    this.#sessions.set(session, records.set(record.firstSequence, record));
    return record;
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
    this.#evicted[reason] = (this.#evicted[reason] ?? 0) + 1;
  }

  #remove(record: UnfinishedRecord): void {
    this.#heldBytes -= record.heldBytes;
    this.#byProgress.delete(record);
    const ofSession = this.#sessions.get(record.session);
    ofSession?.delete(record.firstSequence);
    if (ofSession?.size === 0) this.#sessions.delete(record.session);
  }
}

/** Every piece but the last has one length and each index came once, so the bytes are complete when their sum is. */
function join(record: UnfinishedRecord): Uint8Array {
  const bytes = new Uint8Array(record.recordBytes);
  const blockBytes = record.piecesInBlock * record.pieceBytes;
  for (const [index, block] of record.blocks) bytes.set(block, index * blockBytes);
  return bytes;
}
