// A small stage for assembler tests: packets in by name of side, what the handlers were told out as lines of text.

import { expect } from 'vitest';
import { asLatin1 } from '../../../test/kit/every-split.ts';
import { ipv4Packet, type PacketFields } from '../../../test/kit/packets.ts';
import {
  type Connection,
  type ConnectionHandlers,
  decodeSegment,
  linkTypes,
  type Segment,
  type StreamHandler,
  TcpAssembler,
  type TcpAssemblerOptions,
} from '../src/index.ts';

/** A packet of a test: from the client (>) or the server (<), at a time in milliseconds. */
export interface TestPacket extends PacketFields {
  readonly side?: '>' | '<';
  readonly atMs?: number;
  /** Captured length of the payload; default: all of it. */
  readonly captured?: number;
}

export const clientPort = 40_000;
export const serverPort = 80;

export function segmentOf({ side = '>', atMs = 0, captured, ...fields }: TestPacket): Segment {
  const ends =
    side === '>'
      ? { from: '10.0.0.1', to: '10.0.0.2', fromPort: clientPort, toPort: serverPort }
      : { from: '10.0.0.2', to: '10.0.0.1', fromPort: serverPort, toPort: clientPort };
  const bytes = ipv4Packet({ ...ends, ...fields });
  const payloadLength = fields.payload?.length ?? 0;
  const end = bytes.length - (payloadLength - (captured ?? payloadLength));
  const segment = decodeSegment({
    linkType: linkTypes.raw,
    timestampUs: atMs * 1000,
    bytes,
    start: 0,
    end,
    originalLength: bytes.length,
    direction: side === '>' ? 'in' : 'out',
  });
  if (typeof segment === 'string') throw new Error(`the test's own packet is rejected: ${segment}`);
  return segment;
}

/** Packets by their numbers: `answer` and `ack` are the server's. */
export const syn = (sequence: number, atMs = 0): TestPacket => ({ flags: 'S', sequence, atMs });
export const synAck = (sequence: number, acknowledgment: number): TestPacket => ({
  side: '<',
  flags: 'SA',
  sequence,
  acknowledgment,
});
export const data = (sequence: number, payload: string, atMs = 0): TestPacket => ({ sequence, payload, atMs });
export const answer = (sequence: number, payload: string, acknowledgment = 0): TestPacket => ({
  side: '<',
  sequence,
  payload,
  acknowledgment,
});
export const ack = (acknowledgment: number, atMs = 0): TestPacket => ({ side: '<', acknowledgment, sequence: 1, atMs });
export const fin = (sequence: number, atMs = 0): TestPacket => ({ flags: 'FA', sequence, atMs });

export class Observed {
  readonly lines: string[] = [];
  readonly connections: Connection[] = [];
  readonly assembler: TcpAssembler;

  constructor(
    options: Partial<TcpAssemblerOptions> = {},
    handlersOf = (client: StreamHandler, server: StreamHandler): ConnectionHandlers | undefined => ({ client, server }),
  ) {
    this.assembler = new TcpAssembler({
      onConnection: (connection) => {
        this.connections.push(connection);
        const name = connection.id === 1 ? '' : `${connection.id}`;
        return handlersOf(this.#handler(`${name}>`), this.#handler(`${name}<`));
      },
      ...options,
    });
  }

  /** Pushes the packets, and checks the balance after each. */
  push(...packets: TestPacket[]): this {
    for (const packet of packets) {
      this.assembler.push(segmentOf(packet));
      this.checkBalance();
    }
    return this;
  }

  advance(toMs: number): this {
    this.assembler.advance(toMs * 1000);
    this.checkBalance();
    return this;
  }

  close(): this {
    this.assembler.close();
    this.checkBalance();
    expect(this.assembler.counters().heldBytes).toBe(0);
    expect(this.assembler.counters().heldAllocatedBytes).toBe(0);
    return this;
  }

  /** What was told since the last call. */
  take(): string[] {
    return this.lines.splice(0);
  }

  checkBalance(): void {
    const counters = this.assembler.counters();
    const dropped = Object.values(counters.droppedBytes).reduce((sum, bytes) => sum + bytes, 0);
    const ended = Object.values(counters.connectionsEnded).reduce((sum, count) => sum + count, 0);
    expect(counters.deliveredBytes + counters.duplicateBytes + dropped + counters.heldBytes).toBe(
      counters.payloadBytes,
    );
    expect(counters.connectionsOpen + ended).toBe(counters.connections);
  }

  #handler(name: string): StreamHandler {
    return {
      start: (at) => this.lines.push(`${name} ${at}`),
      data: (bytes) => this.lines.push(`${name} "${asLatin1(bytes)}"`),
      gap: (length) => this.lines.push(`${name} gap ${length}`),
      end: (reason) => this.lines.push(`${name} end ${reason}`),
    };
  }
}
