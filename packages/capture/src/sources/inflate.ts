// One deflate stream through node:zlib, without losing what was decoded before the data ends or proves damaged: zlib drops
// the output of the call that meets damage, and a stream that is destroyed drops what was not read from it.

import { createInflateRaw, type InflateRaw } from 'node:zlib';
import { KeptBytes } from '../kept-bytes.ts';

/** Compressed bytes in one call: what is decoded again, byte by byte, where a call meets damage. */
const callBytes = 16 * 1024;
/** How much of a stream is kept for that. Of longer ones up to {@link outputBytes} before the damage are lost. */
const maxReplayBytes = 4 * 1024 * 1024;
/** Output comes in pieces of this size, and waits for being taken: over the high-water mark of Node's streams. */
const outputBytes = 64 * 1024;

/** Decodes one deflate stream whose input comes in chunks. Close it. */
export class Inflate {
  /** Whether the stream has ended; the bytes behind its end were not taken. */
  hasEnded = false;
  /** What zlib says against the data. */
  problem: string | undefined;
  #engine = new Engine();
  #outputLength = 0;
  /** The input so far; undefined where it is too long to be kept. */
  #input: KeptBytes | undefined = new KeptBytes();

  /** Decodes of `chunk[at, end)` what belongs to the stream; returns where it stopped. Output is the caller's to keep. */
  async *read(chunk: Uint8Array, at: number): AsyncGenerator<Uint8Array, number, undefined> {
    let next = at;
    while (next < chunk.length && !this.hasEnded) {
      const end = Math.min(chunk.length, next + callBytes);
      const call = this.#engine.read(chunk.subarray(next, end));
      let piece = await call.next();
      for (; piece.done !== true; piece = await call.next()) {
        this.#outputLength += piece.value.length;
        yield piece.value;
      }
      if (this.#engine.problem !== undefined) {
        yield* this.#outputBeforeDamage(chunk.subarray(next, end));
        this.problem = this.#engine.problem;
        return next;
      }
      next += piece.value;
      this.hasEnded = next < end;
      this.#remember(chunk, next - piece.value, next);
    }
    return next;
  }

  /** Lets the native memory go. May be called twice. */
  close(): void {
    this.#engine.close();
  }

  #remember(chunk: Uint8Array, at: number, end: number): void {
    if (this.#input === undefined || this.#input.length + end - at > maxReplayBytes) this.#input = undefined;
    else this.#input.append(chunk, at, end);
  }

  /** What the failing call had decoded: a second engine takes all calls before it, then this one byte by byte. */
  async *#outputBeforeDamage(input: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#input === undefined) return;
    const engine = new Engine();
    let skip = this.#outputLength;
    try {
      const before = this.#input.bytes.subarray(0, this.#input.length);
      for (let at = -1; at < input.length && engine.problem === undefined; at++) {
        for await (const piece of engine.read(at < 0 ? before : input.subarray(at, at + 1))) {
          const skipped = Math.min(skip, piece.length);
          skip -= skipped;
          if (skipped < piece.length) yield piece.subarray(skipped);
        }
      }
    } finally {
      engine.close();
    }
  }
}

/** A stream of node:zlib, asked call by call. */
class Engine {
  problem: string | undefined;
  readonly #zlib: InflateRaw = createInflateRaw({ chunkSize: outputBytes });
  #wake: () => void = () => {};

  constructor() {
    this.#zlib.on('readable', () => this.#wake());
    this.#zlib.on('error', (error: Error) => {
      this.problem = error.message;
      this.#wake();
    });
  }

  /** The output of this input; returns how much of the input was taken, less than all only at the stream's end. */
  async *read(input: Uint8Array): AsyncGenerator<Uint8Array, number, undefined> {
    if (input.length === 0) return 0;
    const before = this.#zlib.bytesWritten;
    let isTaken = false;
    this.#zlib.write(input, () => {
      isTaken = true;
      this.#wake();
    });
    for (;;) {
      const output: Uint8Array | null = this.#zlib.read();
      if (output !== null) yield output;
      else if (isTaken || this.problem !== undefined) return this.#zlib.bytesWritten - before;
      else await this.#awake(() => isTaken || this.problem !== undefined || this.#zlib.readableLength > 0);
    }
  }

  close(): void {
    this.#zlib.destroy();
  }

  /** Waits until the stream says something, unless it has. */
  #awake(has: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (has()) resolve();
    });
  }
}
