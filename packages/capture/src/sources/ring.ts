// The engine `ring`: our own addon over AF_PACKET. Kernel time and drop counts, packets of any size, no copy.

import { setTimeout as delay } from 'node:timers/promises';
import { type BpfInstruction, encodeBpf } from '../bpf-program.ts';
import { CaptureError } from '../errors.ts';
import type { Frame } from '../frame.ts';
import { RingBlock } from '../ring-block.ts';
import { readyBlocks } from '../ring-fill.ts';
import { InterfaceWatch } from './interface-watch.ts';
import { nameOf, type Ring, type RingModule, ringOpenError } from './ring-module.ts';

/** Large enough that a packet of 64 KiB wastes little of it. Not a full block is handed over after the timeout. */
const blockBytes = 256 * 1024;
const fewestBlocks = 4;
const blockTimeoutMs = 10;
/** Statistics are uint32 and begin again when read; between so many blocks they cannot overflow. */
const blocksBetweenStatistics = 1024;
/** Rounds of one block timeout that bring nothing, after which close no longer waits for packets that the kernel counted. */
const mostIdleRounds = 20;

/** How to open a {@link RingSource}. */
export interface RingSourceOptions {
  readonly module: RingModule;
  /** For messages. */
  readonly interfaceName: string;
  /** 0 is all interfaces, those included that come later. */
  readonly interfaceIndex: number;
  /** What passes, in the kernel. */
  readonly program: readonly BpfInstruction[];
  readonly isPromiscuous: boolean;
  /** Memory of the ring, rounded down to blocks of 256 KiB, at least four. */
  readonly bufferBytes: number;
  /** Gets the same object for each frame. What it throws becomes an uncaught exception; the next frame comes all the same. */
  readonly onFrame: (frame: Frame) => void;
  /** Called where the interface is down or gone, at the start too; its packets come again when it is up again. */
  readonly onInterfaceDown?: ((interfaceName: string) => void) | undefined;
  /** Called within a second after such an interface is up again, or another one of its name. */
  readonly onInterfaceUp?: ((interfaceName: string) => void) | undefined;
  readonly onError?: ((error: CaptureError) => void) | undefined;
}

/** One interface, or all of them, that is being captured on. */
export class RingSource {
  /** The kernel says of each packet whether it was sent or received. */
  readonly tellsDirection = true;
  readonly #options: RingSourceOptions;
  readonly #ring: Ring;
  readonly #block: RingBlock;
  readonly #watch: InterfaceWatch;
  readonly #words: Uint32Array;
  #lastRead = -1;
  #packets = 0;
  #drops = 0;
  #lost = 0;
  #blocks = 0;
  #closing: Promise<void> | undefined;
  #isClosed = false;

  /** Throws CaptureError: `no-permission`, `no-such-interface`, `capture-failed`. */
  constructor(options: RingSourceOptions) {
    this.#options = options;
    const { module, interfaceIndex, interfaceName } = options;
    // The user's name may be an alias, which an interface that is made anew does not have.
    let systemName: string | undefined;
    try {
      systemName = nameOf(module, interfaceIndex);
      this.#ring = this.#open(options);
    } catch (cause) {
      throw ringOpenError(cause, interfaceName);
    }
    this.#block = new RingBlock(this.#ring.memory, blockBytes);
    this.#watch = new InterfaceWatch({ ...options, ring: this.#ring, systemName: systemName ?? interfaceName });
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

  /** How often the interface was found to be down. */
  get interfaceDowns(): number {
    return this.#watch.downs;
  }

  /** Takes what the kernel has already; resolves when no frame comes any more. May be called twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Closes without taking what the kernel has: no frame comes any more. */
  abandon(): void {
    this.#closing ??= Promise.resolve();
    if (!this.#isClosed) this.#end();
  }

  async #close(): Promise<void> {
    try {
      this.#ring.stop();
      await this.#drain();
    } finally {
      if (!this.#isClosed) this.#end();
    }
  }

  async #drain(): Promise<void> {
    let unread = 0;
    // No packet enters any more, so this ends: the event loop reads meanwhile, in turns as ever.
    for (let idleRounds = 0; idleRounds < mostIdleRounds; idleRounds++) {
      const before = this.#block.counters.packets;
      // Within that time the kernel hands over the block that it was filling.
      await delay(blockTimeoutMs);
      this.#readStatistics();
      const read = this.#block.counters.packets;
      unread = this.#packets - this.#drops - read;
      if (unread <= 0) break;
      if (read > before) idleRounds = -1;
    }
    this.#lost = Math.max(0, unread);
  }

  #end(): void {
    this.#isClosed = true;
    this.#watch.close();
    this.#ring.close();
  }

  #open({ module, interfaceIndex, program, bufferBytes, isPromiscuous }: RingSourceOptions): Ring {
    const blockCount = Math.max(fewestBlocks, Math.floor(bufferBytes / blockBytes));
    return new module.Ring(
      interfaceIndex,
      encodeBpf(program),
      blockBytes,
      blockCount,
      blockTimeoutMs,
      isPromiscuous,
      (block) => this.#readBlock(block),
      (code) => this.#report(code),
    );
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
    const { interfaceName, onError } = this.#options;
    if (code === 'ENETDOWN') this.#watch.wentDown();
    else onError?.(new CaptureError('capture-failed', `Capturing on ${interfaceName} failed: ${code}.`));
  }
}
