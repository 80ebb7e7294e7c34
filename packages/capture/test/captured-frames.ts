// What a reader gives for some chunks, as text: a line a frame, then the error's code where there is one.
import { asLatin1 } from '../../../test/kit/every-split.ts';
import { CaptureError, CaptureReader, type Frame } from '../src/index.ts';

/** `linkType time direction bytes`, and `of length` where the frame was cut. */
export function frameText({ linkType, timestampUs, direction, bytes, start, end, originalLength }: Frame): string {
  const cut = originalLength === end - start ? '' : ` of ${originalLength}`;
  return `${linkType} ${timestampUs} ${direction} ${asLatin1(bytes.subarray(start, end))}${cut}`;
}

/** The frames of the chunks, and behind them what the error says about the capture. */
export function captured(chunks: Iterable<Uint8Array>): string[] {
  const reader = new CaptureReader();
  const frames: string[] = [];
  try {
    for (const chunk of chunks) for (const frame of reader.read(chunk)) frames.push(frameText(frame));
    reader.end();
  } catch (error) {
    frames.push(errorText(error));
  }
  return frames;
}

/** The code and the clause of a CaptureError; throws every other error. */
export function errorText(error: unknown): string {
  if (!(error instanceof CaptureError)) throw error;
  return `${error.code}: ${error.message.replace(/^The capture.* cannot be read: (.*)\.$/, '$1')}`;
}
