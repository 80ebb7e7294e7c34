// The assembler's counters. They balance at any time outside of a handler:
// payloadBytes = deliveredBytes + duplicateBytes + the sum of droppedBytes + heldBytes.

import type { EndReason } from './connection.ts';

/**
 * Why payload was not delivered:
 * - `before-start`: it stands before the place where the capture of the stream began.
 * - `late`: it came when its place had been declared a gap, one of the last 16 of its stream.
 * - `after-end`: its stream had ended, or the assembler was closed.
 * - `reset-text`: it stood in a RST, where it is a remark and no part of the stream (RFC 9293, section 3.5.3).
 * - `unwanted`: nobody handles its stream.
 * - `shed`: it waited for a hole when its connection was shed.
 */
export type PayloadDrop = 'before-start' | 'late' | 'after-end' | 'reset-text' | 'unwanted' | 'shed';

/**
 * Why a hole was declared a gap: the receiver had acknowledged it (`acked`), the time was up (`timeout`), too much
 * waited behind it (`limit`), the capture had cut the frames and no other copy came (`cut`), the connection ended (`end`).
 */
export type GapReason = 'acked' | 'timeout' | 'limit' | 'cut' | 'end';

/** What became of the segments and their payload. */
export interface AssemblerCounters {
  /** All segments pushed. */
  segments: number;
  /** Payload of all segments, in bytes. */
  payloadBytes: number;
  /** Bytes that a handler's data got. */
  deliveredBytes: number;
  /** Bytes that were delivered or held already: retransmissions, overlaps, packets captured twice, keep-alive probes. */
  duplicateBytes: number;
  droppedBytes: Record<PayloadDrop, number>;
  /** Payload that waits for a hole now. */
  heldBytes: number;
  /** Pieces of it. */
  heldSegments: number;
  /** Memory that the waiting payload takes now, an allowance for each piece included; this is what the limits count. */
  heldAllocatedBytes: number;
  /** The most that heldAllocatedBytes ever was. */
  heldAllocatedBytesPeak: number;
  /** Gaps by reason, and the bytes that were lost in all of them. */
  gaps: Record<GapReason, number>;
  gapBytes: number;
  /** Connections announced by onConnection: open now and in all. */
  connectionsOpen: number;
  connections: number;
  /** Connections announced and ended; `fin` where both sides closed. connections = connectionsOpen + the sum of these. */
  connectionsEnded: Record<EndReason, number>;
  /** Connections that carried no data yet. */
  halfOpen: number;
  /** Of those, the ones forgotten because there were too many. */
  halfOpenEvicted: number;
  /** Ended connections that are still remembered. */
  endedRemembered: number;
}

/** All counters at zero. */
export function newAssemblerCounters(): AssemblerCounters {
  return {
    segments: 0,
    payloadBytes: 0,
    deliveredBytes: 0,
    duplicateBytes: 0,
    droppedBytes: { 'before-start': 0, late: 0, 'after-end': 0, 'reset-text': 0, unwanted: 0, shed: 0 },
    heldBytes: 0,
    heldSegments: 0,
    heldAllocatedBytes: 0,
    heldAllocatedBytesPeak: 0,
    gaps: { acked: 0, timeout: 0, limit: 0, cut: 0, end: 0 },
    gapBytes: 0,
    connectionsOpen: 0,
    connections: 0,
    connectionsEnded: { fin: 0, reset: 0, idle: 0, evicted: 0, reused: 0, closed: 0, shed: 0 },
    halfOpen: 0,
    halfOpenEvicted: 0,
    endedRemembered: 0,
  };
}

/** A copy that later counting does not change. */
export function copyAssemblerCounters(counters: AssemblerCounters): AssemblerCounters {
  return {
    ...counters,
    droppedBytes: { ...counters.droppedBytes },
    gaps: { ...counters.gaps },
    connectionsEnded: { ...counters.connectionsEnded },
  };
}
