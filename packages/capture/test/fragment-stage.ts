// A small stage for tests of fragments: pieces of one packet in, segments and counts out as lines of text.

import { expect } from 'vitest';
import { asLatin1 } from '../../../test/kit/every-split.ts';
import { fragmentOf } from '../../../test/kit/ip-packets.ts';
import { ipv4Packet, ipv6Packet } from '../../../test/kit/packets.ts';
import { type FragmentLimits, FrameDecoder, linkTypes } from '../src/index.ts';

/** What the TCP segment of a test carries. */
export const payload = Array.from({ length: 60 }, (_, at) => String.fromCharCode(0x41 + (at % 26))).join('');
/** It in a packet of each version. */
export const ipv4 = ipv4Packet({ payload }); // 20 bytes of TCP header: the packet carries 80
export const ipv6 = ipv6Packet({ payload });

/** A decoder, what came out of it, and the balance of its counters after every frame. */
export class Fragments {
  readonly decoder: FrameDecoder;
  readonly lines: string[] = [];

  constructor(fragmentLimits: Partial<FragmentLimits> = {}) {
    this.decoder = new FrameDecoder({
      ports: [80],
      onSegment: ({ bytes, payloadStart, payloadEnd, missing, timestampUs }) => {
        const text = asLatin1(bytes.subarray(payloadStart, payloadEnd));
        this.lines.push(`${text}${missing > 0 ? `+${missing}` : ''} ${timestampUs / 1000}`);
      },
      fragmentLimits,
    });
  }

  push(bytes: Uint8Array, atMs = 0, { captured = bytes.length, linkType = linkTypes.raw as number } = {}): this {
    const frame = { linkType, bytes, start: 0, end: captured, originalLength: bytes.length, direction: 'in' } as const;
    this.decoder.push({ ...frame, timestampUs: atMs * 1000 });
    return this.check();
  }

  check(): this {
    const { seen, segments, rejected, fragments } = this.decoder.counters();
    const sum = Object.values(rejected).reduce((total, count) => total + count, 0);
    expect(seen).toBe(segments + sum + fragments.held + fragments.joined);
    expect(fragments.held === 0).toBe(fragments.heldBytes === 0);
    return this;
  }

  /** What came out, then what was let go, then what waits. */
  outcome(): string[] {
    const { rejected, fragments } = this.decoder.counters();
    const dropped = Object.entries(rejected).flatMap(([reason, count]) => (count > 0 ? [`${reason} ${count}`] : []));
    return [...this.lines, ...dropped, ...(fragments.held > 0 ? [`held ${fragments.held}`] : [])];
  }
}

/** Bytes [from, to) of what the packet carries, as a fragment. */
export function piece(from: number, to: number, more = to < 80, packet = ipv4): Uint8Array {
  const header = packet === ipv6 ? 40 : 20;
  const content = packet.subarray(header);
  const bytes = Uint8Array.from({ length: to - from }, (_, at) => content[from + at] ?? 0x2e);
  return fragmentOf(packet, { offset: from, bytes, more, id: 7 });
}
