// What a capture file format is to the reader of chunks: pieces, each with a length that its beginning tells.

import type { CaptureErrorCode } from './errors.ts';
import type { Frame } from './frame.ts';

/** The largest snap length that tcpdump allows is 256 KiB; a frame of over four times that is damage. */
export const maxFrameBytes = 1024 * 1024;

/** What a format needs of the reader that owns it. */
export interface FormatOwner {
  /** The one frame object, filled by {@link CaptureFormat.take}. */
  readonly frame: Frame;
  /** Ends the reading. `problem` is a clause about the capture, "it is …"; how many frames came before is added to it. */
  readonly fail: (code: Extract<CaptureErrorCode, 'broken-capture' | 'unsupported-capture'>, problem: string) => never;
}

/** A file format: a sequence of pieces (file header, records, blocks), some of which hold a frame. It keeps no bytes. */
export interface CaptureFormat {
  /** What a file that ends here ends within, such as "a frame"; undefined where it may end. */
  readonly unfinished: string | undefined;
  /** What the pieces are called where the file ends within one. */
  readonly pieceName: string;
  /** After a piece without a frame: so many bytes behind it are of no use, and never kept. */
  readonly skipLength: number;
  /**
   * Length of the piece at `at`, of which `available` bytes are there; where these are too few to tell, the number of
   * bytes that would tell more. Changes nothing, so it may be asked again. Fails on a length that cannot be.
   */
  lengthAt: (bytes: Uint8Array, at: number, available: number) => number;
  /** Takes the whole piece `bytes[at, end)`; true where it was a frame, which then stands in the owner's object. */
  take: (bytes: Uint8Array, at: number, end: number) => boolean;
}
