// What the assembler tells about a connection, and what it calls for each of its two streams.

import type { Endpoint } from './flow.ts';
import type { Direction } from './frame.ts';

/**
 * How it is known which side is the client: it sent the SYN, it got the SYN+ACK, the first data read like a client's
 * (`content`, by the option roleOf), or a guess from the port numbers (`port`). A guess stays, whatever comes later: where it
 * is wrong, the handler of the client gets what the server sends.
 */
export type RolesFrom = 'syn' | 'syn-ack' | 'content' | 'port';

/** One TCP connection, as the handlers' factory gets it. It may be kept. */
export interface Connection {
  /** Counts from 1 in the order of first data; never used again by the same assembler. */
  readonly id: number;
  readonly client: Endpoint;
  readonly server: Endpoint;
  readonly rolesFrom: RolesFrom;
  /** Direction of the client's segments: `in` where the host that captured is the server, over loopback, too. */
  readonly direction: Exclude<Direction, 'loopback'>;
  /** When its first segment was captured, the SYN where there is one: integer microseconds since 1970. */
  readonly startedUs: number;
}

/** The handlers of a connection's two streams; a stream without one is not reassembled, its bytes count as `unwanted`. */
export interface ConnectionHandlers {
  /** What the client sends. */
  readonly client?: StreamHandler | undefined;
  /** What the server sends. */
  readonly server?: StreamHandler | undefined;
}

/**
 * Called in this order: start, then data and gap as they come, then end; of a stream that never carried data only end.
 * Times are integer microseconds since 1970, when the bytes were captured. Handlers run within push, advance or close;
 * they may call close, and must not throw or push.
 */
export interface StreamHandler {
  /** Before the first data: whether the stream begins with its first byte, or the capture began in its middle. */
  readonly start?: ((at: 'handshake' | 'midstream', timestampUs: number) => void) | undefined;
  /** The next bytes of the stream: a view, valid only until this returns. */
  readonly data: (bytes: Uint8Array, timestampUs: number) => void;
  /** `length` bytes at this place of the stream are lost for good. */
  readonly gap: (length: number, timestampUs: number) => void;
  /** The last call, exactly once. */
  readonly end: (reason: EndReason, timestampUs: number) => void;
}

/**
 * Why a stream ended:
 * - `fin`: its sender closed it, and all before was delivered or declared a gap.
 * - `reset`: a RST of either side, and silence or another end behind it.
 * - `idle`: neither side sent for the idle timeout.
 * - `evicted`: too many connections, and this one was silent for longest.
 * - `reused`: another connection began with the same addresses and ports.
 * - `closed`: the assembler was closed.
 * - `shed`: its owner has no time for it, see TcpAssembler.shed.
 */
export type EndReason = 'fin' | 'reset' | 'idle' | 'evicted' | 'reused' | 'closed' | 'shed';
