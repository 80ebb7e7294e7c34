// Undoes gzip where a stream begins with it, and passes every other stream through. Members may follow one another, and
// zeros may follow the last one (tapes, block devices). RFC 1952.

import { crc32 } from 'node:zlib';
import { GzipHeader, isGzip } from '../gzip-header.ts';
import { copyOf } from '../kept-bytes.ts';
import { Inflate } from './inflate.ts';

const magicLength = 2;
const trailerLength = 8;

/** One stream of chunks, decoded if it has to be. */
export class Gunzip {
  /** Why the stream was not read to its end, or ended too early: a clause about it. Known when {@link read} has ended. */
  problem: string | undefined;
  #state: 'header' | 'data' | 'trailer' | 'between' = 'header';
  #header = new GzipHeader();
  #inflate: Inflate | undefined;
  /** Of the member: checksum and length of what was decoded, and the last eight bytes, which say what they have to be. */
  #checksum = 0;
  #length = 0;
  readonly #trailer = new Uint8Array(trailerLength);
  #trailerCount = 0;
  #members = 0;

  /** The decoded chunks, at most 64 KiB each; of a stream that is not compressed the chunks themselves. */
  async *read(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    let beginning: Uint8Array | undefined = new Uint8Array(0);
    let isCompressed = false;
    try {
      for await (const chunk of chunks) {
        let next = chunk;
        if (beginning !== undefined) {
          next = beginning.length === 0 ? chunk : joined(beginning, chunk);
          beginning = next.length < magicLength ? copyOf(next, 0, next.length) : undefined; // a chunk is valid until the next
          isCompressed = isGzip(next);
        }
        if (beginning !== undefined) continue;
        if (!isCompressed) yield next;
        else yield* this.#decoded(next);
        if (this.problem !== undefined) return;
      }
      if (beginning !== undefined) yield beginning;
      if (isCompressed && this.#state !== 'between') this.problem = 'its compressed data ends early';
    } finally {
      this.#inflate?.close();
    }
  }

  async *#decoded(chunk: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
    let at = 0;
    while (at < chunk.length && this.problem === undefined) {
      if (this.#state === 'data') at = yield* this.#takeData(chunk, at);
      else this.#takeByte(chunk[at++]!);
    }
  }

  async *#takeData(chunk: Uint8Array, at: number): AsyncGenerator<Uint8Array, number, undefined> {
    const inflate = this.#inflate!; // there is one in this state
    const output = inflate.read(chunk, at);
    let piece = await output.next();
    for (; piece.done !== true; piece = await output.next()) {
      this.#checksum = crc32(piece.value, this.#checksum);
      this.#length = (this.#length + piece.value.length) >>> 0;
      yield piece.value;
    }
    if (inflate.problem !== undefined) this.problem = `its compressed data is damaged (${inflate.problem})`;
    if (inflate.hasEnded) {
      inflate.close();
      this.#inflate = undefined;
      this.#trailerCount = 0;
      this.#state = 'trailer';
    }
    return piece.value;
  }

  #takeByte(byte: number): void {
    if (this.#state === 'trailer') this.#takeTrailerByte(byte);
    else if (this.#state === 'header' || byte !== 0) this.#takeHeaderByte(byte);
  }

  #takeHeaderByte(byte: number): void {
    this.#state = 'header';
    const outcome = this.#header.take(byte);
    if (outcome === 'more') return;
    if (outcome === 'whole') {
      this.#header = new GzipHeader();
      this.#inflate = new Inflate();
      this.#checksum = 0;
      this.#length = 0;
      this.#state = 'data';
      return;
    }
    this.problem =
      this.#members === 0
        ? 'the header of its compressed data is damaged'
        : 'behind its compressed data stands something else';
  }

  #takeTrailerByte(byte: number): void {
    this.#trailer[this.#trailerCount++] = byte;
    if (this.#trailerCount < trailerLength) return;
    const declared = new DataView(this.#trailer.buffer);
    if (declared.getUint32(0, true) !== this.#checksum || declared.getUint32(4, true) !== this.#length) {
      this.problem = 'its compressed data is damaged (the checksum differs)';
    }
    this.#members++;
    this.#state = 'between';
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
