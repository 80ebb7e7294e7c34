// Owner of the frame counters, of the fragments that wait, and of the port filter: frames in, the segments of the watched
// ports out.

import type { FragmentLimits } from './fragment-limits.ts';
import type { Frame } from './frame.ts';
import { enterJoined, type FragmentCounters, type FragmentDrop, IpFragments } from './ip-fragments.ts';
import { type FrameReject, frameRejects, maxTunnels, newLayerCursor } from './layer-cursor.ts';
import { enterLinkLayer } from './link-layer.ts';
import { decodeLayers, type Segment } from './segment.ts';

/** Why a frame went no further: no segment, a fragment that was let go, or a segment of a port that is not watched. */
export type FrameDrop = Exclude<FrameReject, 'ip-fragment'> | FragmentDrop | 'other-port';

/** What became of the frames, at every moment: `seen` = `segments` + the sum of `rejected` + `held` + `joined` of `fragments`. */
export interface FrameCounters {
  readonly seen: number;
  readonly segments: number;
  /** Segments that the capture cut: the rest of their payload becomes a gap. Counted within `segments`. */
  readonly cut: number;
  readonly rejected: Readonly<Record<FrameDrop, number>>;
  readonly fragments: Readonly<FragmentCounters>;
}

/** Options of a {@link FrameDecoder}. */
export interface FrameDecoderOptions {
  /** Ports to watch: a segment passes where either of its ports is one of them. Default: every port. */
  readonly ports?: ReadonlySet<number> | readonly number[] | undefined;
  /** Called for each segment, within push. The segment is valid only until this returns. */
  readonly onSegment: (segment: Segment) => void;
  readonly fragmentLimits?: Partial<FragmentLimits> | undefined;
}

/** Decodes frames, puts IP fragments together, counts every frame, and passes on the segments. */
export class FrameDecoder {
  readonly #ports: ReadonlySet<number> | undefined;
  readonly #onSegment: (segment: Segment) => void;
  readonly #fragments: IpFragments;
  readonly #cursor = newLayerCursor();
  readonly #rejected = Object.fromEntries([...frameRejects, 'other-port'].map((reason) => [reason, 0])) as Record<
    FrameReject | 'other-port',
    number
  >;
  #seen = 0;
  #segments = 0;
  #cut = 0;

  constructor({ ports, onSegment, fragmentLimits }: FrameDecoderOptions) {
    this.#ports = ports === undefined ? undefined : new Set(ports);
    this.#onSegment = onSegment;
    this.#fragments = new IpFragments(fragmentLimits);
    for (const port of this.#ports ?? []) {
      if (!Number.isInteger(port) || port < 1 || port > 65_535) {
        throw new RangeError(`ports: ${port} is not a port, which is an integer from 1 to 65535`);
      }
    }
  }

  /**
   * Takes one frame; calls onSegment before it returns, where the frame holds a segment of a watched port, or is the
   * fragment that makes a packet with one whole: such a segment has the frame's time and direction.
   */
  push(frame: Frame): void {
    this.#seen++;
    const { timestampUs } = frame;
    let outcome = enterLinkLayer(frame, this.#cursor) ?? decodeLayers(this.#cursor, timestampUs);
    // The packet made whole may be a fragment of another one, within a tunnel.
    for (let joins = 0; outcome === 'ip-fragment'; joins++) {
      if (!this.#fragments.add(this.#cursor, timestampUs)) return;
      outcome =
        joins < maxTunnels ? (enterJoined(this.#cursor) ?? decodeLayers(this.#cursor, timestampUs)) : 'too-deep';
    }
    if (typeof outcome === 'string') this.#rejected[outcome]++;
    else this.#pass(outcome);
  }

  /**
   * Moves time on where no frames come: lets go fragments whose others did not come. `nowUs` is on the clock of the
   * frames' timestamps, in integer microseconds. May be called at any time, and as often as wanted.
   */
  advance(nowUs: number): void {
    this.#fragments.advance(nowUs);
  }

  /** Lets go the fragments that wait, so that every frame has its count. A second call does nothing. */
  close(): void {
    this.#fragments.close();
  }

  /** A copy of the counters as they stand. */
  counters(): FrameCounters {
    const { 'ip-fragment': _, ...rejected } = this.#rejected;
    return {
      seen: this.#seen,
      segments: this.#segments,
      cut: this.#cut,
      rejected: { ...rejected, ...this.#fragments.dropped() },
      fragments: this.#fragments.counters(),
    };
  }

  #pass(segment: Segment): void {
    const ports = this.#ports;
    if (ports !== undefined && !ports.has(segment.destinationPort) && !ports.has(segment.sourcePort)) {
      this.#rejected['other-port']++;
      return;
    }
    this.#segments++;
    if (segment.missing > 0) this.#cut++;
    this.#onSegment(segment);
  }
}
