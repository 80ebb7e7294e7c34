// The engine `ring`: our own addon over AF_PACKET. Kernel time and drop counts, packets of any size, no copy.

import { setTimeout as delay } from 'node:timers/promises';
import { bpfProgram, encodeBpf } from '../bpf-program.ts';
import { CaptureError } from '../errors.ts';
import type { Frame } from '../frame.ts';
import { RingBlock } from '../ring-block.ts';
import { readyBlocks } from '../ring-fill.ts';
import { interfaceIndex, type Ring, type RingModule, ringOpenError } from './ring-module.ts';

/** Large enough that a packet of 64 KiB wastes little of it. Not a full block is handed over after the timeout. */
const blockBytes = 256 * 1024;
const fewestBlocks = 4;
const blockTimeoutMs = 10;
/** Statistics are uint32 and begin again when read; between so many blocks they cannot overflow. */
const blocksBetweenStatistics = 1024;
/** Rounds of one block timeout for which close waits at most for packets that the kernel counted. */
const mostClosingRounds = 20;

/** Linux's name for all interfaces at once, and the index that means it. */
const everyInterface = { name: 'any', index: 0 } as const;

/** How to open a {@link RingSource}. */
export interface RingSourceOptions {
  readonly module: RingModule;
  /** `any` is all interfaces, those included that come later. */
  readonly interfaceName: string;
  /** TCP ports of either side; none: every port. */
  readonly ports: readonly number[];
  /** Memory of the ring, rounded down to blocks of 256 KiB, at least four. */
  readonly bufferBytes: number;
  /** Gets the same object for each frame. What it throws becomes an uncaught exception; the next frame comes all the same. */
  readonly onFrame: (frame: Frame) => void;
  /** Called where the interface went down; its packets come again when it is up again. */
  readonly onInterfaceDown?: ((interfaceName: string) => void) | undefined;
  readonly onError?: ((error: CaptureError) => void) | undefined;
}

/** One interface, or all of them, that is being captured on. */
export class RingSource {
  /** The kernel says of each packet whether it was sent or received. */
  readonly tellsDirection = true;
  readonly #options: RingSourceOptions;
  readonly #ring: Ring;
  readonly #block: RingBlock;
  readonly #words: Uint32Array;
  #lastRead = -1;
  #packets = 0;
  #drops = 0;
  #lost = 0;
  #interfaceDowns = 0;
  #blocks = 0;
  #closing: Promise<void> | undefined;
  #isClosed = false;

  /** Throws CaptureError: `no-permission`, `no-such-interface`, `capture-failed`. */
  constructor(options: RingSourceOptions) {
    const { module, interfaceName, ports, bufferBytes } = options;
    this.#options = options;
    const isEvery = interfaceName === everyInterface.name;
    const index = isEvery ? everyInterface.index : interfaceIndex(module, interfaceName);
    const blockCount = Math.max(fewestBlocks, Math.floor(bufferBytes / blockBytes));
    const filter = encodeBpf(bpfProgram(ports));
    const onBlock = (block: number) => this.#readBlock(block);
    const onError = (code: string) => this.#report(code);
    try {
      this.#ring = new module.Ring(index, filter, blockBytes, blockCount, blockTimeoutMs, onBlock, onError);
    } catch (cause) {
      throw ringOpenError(cause, interfaceName);
    }
    this.#block = new RingBlock(this.#ring.memory, blockBytes);
    this.#words = new Uint32Array(this.#ring.memory);
  }

  get frames(): number {
    return this.#block.counters.frames;
  }

  /** Frames of which the ring does not hold all: larger than a block. */
  get cut(): number {
    return this.#block.counters.cut;
  }

  /** Packets that passed the filter and that nobody got. Asks the kernel, so it is as of now. */
  get kernelDrops(): number {
    this.#readStatistics();
    return this.#drops + this.#block.counters.unread + this.#lost;
  }

  /** The part of the ring that waits to be read, 0 to 1. */
  get bufferFill(): number {
    if (this.#isClosed) return 0;
    return (readyBlocks(this.#words, blockBytes, this.#lastRead) * blockBytes) / this.#words.byteLength;
  }

  get interfaceDowns(): number {
    return this.#interfaceDowns;
  }

  /** Takes what the kernel has already; resolves when no frame comes any more. May be called twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#ring.stop();
    let unread = 0;
    for (let round = 0; round < mostClosingRounds; round++) {
      // Within that time the kernel hands over the block that it was filling.
      await delay(blockTimeoutMs);
      this.#ring.read();
      this.#readStatistics();
      unread = this.#packets - this.#drops - this.#block.counters.packets;
      if (unread <= 0) break;
    }
    this.#lost = Math.max(0, unread);
    this.#isClosed = true;
    this.#ring.close();
  }

  #readBlock(index: number): void {
    this.#lastRead = index;
    this.#block.enter(index);
    for (;;) {
      try {
        this.#emitFrames();
        break;
      } catch (error) {
        // A fault of the handler's, which costs no other frame, and which nobody shall miss.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    if (++this.#blocks % blocksBetweenStatistics === 0) this.#readStatistics();
  }

  #emitFrames(): void {
    const block = this.#block;
    const onFrame = this.#options.onFrame;
    for (let frame = block.next(); frame !== undefined; frame = block.next()) onFrame(frame);
  }

  #readStatistics(): void {
    if (this.#isClosed) return;
    const { packets, drops } = this.#ring.statistics();
    this.#packets += packets;
    this.#drops += drops;
  }

  #report(code: string): void {
    const { interfaceName, onInterfaceDown, onError } = this.#options;
    if (code === 'ENETDOWN') {
      this.#interfaceDowns++;
      onInterfaceDown?.(interfaceName);
    } else {
      onError?.(new CaptureError('capture-failed', `Capturing on ${interfaceName} failed: ${code}.`));
    }
  }
}
