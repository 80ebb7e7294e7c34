// The body of a whole message without the transfer coding.

import { chunksOf } from './chunked.ts';

/** The parts of a request or a response that decide where its body is. */
export interface MessageBody {
  readonly bytes: Uint8Array;
  readonly bodyStart: number;
  readonly framing: 'none' | 'content-length' | 'chunked' | 'until-close';
  readonly bodyLength: number;
}

/** The body without chunking, in one piece: a view of `message.bytes`, or, where it is chunked, a new array. */
export function bodyOf(message: MessageBody): Uint8Array {
  if (message.framing !== 'chunked') return message.bytes.subarray(message.bodyStart);
  const body = new Uint8Array(message.bodyLength);
  let at = 0;
  for (const chunk of chunksOf(message.bytes, message.bodyStart)) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}

/** The body without chunking as views of `message.bytes`, none of them empty: each chunk's data, or all in one. */
export function* bodyParts(message: MessageBody): Generator<Uint8Array> {
  if (message.framing === 'chunked') yield* chunksOf(message.bytes, message.bodyStart);
  else if (message.bodyLength > 0) yield message.bytes.subarray(message.bodyStart);
}
