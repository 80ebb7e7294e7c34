// Owner of the frame counters and of the port filter: frames in, the segments of the watched ports out.

import type { Frame } from './frame.ts';
import { type FrameReject, frameRejects } from './layer-cursor.ts';
import { decodeSegment, type Segment } from './segment.ts';

/** Why a frame went no further: no segment, or a segment of a port that is not watched. */
export type FrameDrop = FrameReject | 'other-port';

/** What became of the frames: `seen` = `segments` + the sum of `rejected`. */
export interface FrameCounters {
  readonly seen: number;
  readonly segments: number;
  /** Segments that the capture cut: the rest of their payload becomes a gap. Counted within `segments`. */
  readonly cut: number;
  readonly rejected: Readonly<Record<FrameDrop, number>>;
}

/** Options of a {@link FrameDecoder}. */
export interface FrameDecoderOptions {
  /** Ports to watch: a segment passes where either of its ports is one of them. Default: every port. */
  readonly ports?: ReadonlySet<number> | readonly number[] | undefined;
  /** Called for each segment, within push. The segment is valid only until this returns. */
  readonly onSegment: (segment: Segment) => void;
}

/** Decodes frames, counts every one, and passes on the segments. */
export class FrameDecoder {
  readonly #ports: ReadonlySet<number> | undefined;
  readonly #onSegment: (segment: Segment) => void;
  readonly #rejected = Object.fromEntries([...frameRejects, 'other-port'].map((reason) => [reason, 0])) as Record<
    FrameDrop,
    number
  >;
  #seen = 0;
  #segments = 0;
  #cut = 0;

  constructor({ ports, onSegment }: FrameDecoderOptions) {
    this.#ports = ports === undefined ? undefined : new Set(ports);
    this.#onSegment = onSegment;
    for (const port of this.#ports ?? []) {
      if (!Number.isInteger(port) || port < 1 || port > 65_535) {
        throw new RangeError(`ports: ${port} is not a port, which is an integer from 1 to 65535`);
      }
    }
  }

  /** Takes one frame; calls onSegment before it returns, where the frame holds a segment of a watched port. */
  push(frame: Frame): void {
    this.#seen++;
    const segment = decodeSegment(frame);
    if (typeof segment === 'string') {
      this.#rejected[segment]++;
      return;
    }
    const ports = this.#ports;
    if (ports !== undefined && !ports.has(segment.destinationPort) && !ports.has(segment.sourcePort)) {
      this.#rejected['other-port']++;
      return;
    }
    this.#segments++;
    if (segment.missing > 0) this.#cut++;
    this.#onSegment(segment);
  }

  /** A copy of the counters as they stand. */
  counters(): FrameCounters {
    return { seen: this.#seen, segments: this.#segments, cut: this.#cut, rejected: { ...this.#rejected } };
  }
}
