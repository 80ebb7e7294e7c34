// The engine `cap`: npm's cap over libpcap. It gives no timestamps, no drop counts, and cuts frames at 65,535 bytes.

import { CaptureError } from '../errors.ts';
import type { Direction, Frame } from '../frame.ts';
import { linkTypes } from '../frame.ts';
import { type CapDevice, type CapHandle, type CapModule, capOpenError } from './cap-module.ts';
import { ownHardwareAddress } from './own-address.ts';

/** What cap copies of a packet at most; its snap length is not to be changed. */
const snapLength = 65_535;
const ethernetSource = { at: 6, length: 6 } as const;

const linkTypesByName: Readonly<Record<string, number>> = {
  NULL: linkTypes.null,
  ETHERNET: linkTypes.ethernet,
  RAW: linkTypes.raw,
  LINKTYPE_LINUX_SLL: linkTypes.linuxSll,
  'Unknown linktype 276': linkTypes.linuxSll2,
  'Unknown linktype 108': linkTypes.loop,
};

/**
 * Every handle that was ever opened. One that is collected takes its event loop handle with it while libuv still has it
 * in its list, and one whose open failed stops a poll that never began: both write to memory that is not theirs.
 */
const neverCollected: CapHandle[] = [];

/** How to open a {@link CapSource}. */
export interface CapSourceOptions {
  readonly module: CapModule;
  readonly device: CapDevice;
  readonly filter: string;
  readonly bufferBytes: number;
  /** Integer microseconds since 1970. */
  readonly clockUs: () => number;
  /** Gets the same object, over the same buffer, for each frame. */
  readonly onFrame: (frame: Frame) => void;
}

/** One interface that is being captured on. */
export class CapSource {
  /** Whether the frames say if this host sent or received them. */
  readonly tellsDirection: boolean;
  readonly #handle: CapHandle;
  /** The library keeps a raw pointer to this buffer, so it must live as long as the handle. */
  readonly #buffer = Buffer.alloc(snapLength);
  readonly #onFrame: (frame: Frame) => void;
  readonly #clockUs: () => number;
  readonly #frame: Frame;
  readonly #ownAddress: Uint8Array | undefined;
  #frames = 0;
  #cut = 0;
  #isClosed = false;

  /** Throws CaptureError: `no-permission`, `bad-filter`, `capture-failed`. */
  constructor({ module, device, filter, bufferBytes, clockUs, onFrame }: CapSourceOptions) {
    this.#onFrame = onFrame;
    this.#clockUs = clockUs;
    this.#handle = new module.Cap();
    neverCollected.push(this.#handle);
    const linkTypeName = this.#open(device.name, filter, bufferBytes);
    const linkType = linkTypesByName[linkTypeName];
    if (linkType === undefined) {
      this.#handle.close();
      throw new CaptureError('capture-failed', `Frames of ${device.name} (${linkTypeName}) cannot be decoded.`);
    }
    const isLoopback = device.flags === 'PCAP_IF_LOOPBACK';
    const isEthernet = linkType === linkTypes.ethernet && !isLoopback;
    this.#ownAddress = isEthernet ? ownHardwareAddress(device.name) : undefined;
    // Cooked frames carry the direction themselves.
    const isCooked = linkType === linkTypes.linuxSll || linkType === linkTypes.linuxSll2;
    this.tellsDirection = isLoopback || isCooked || this.#ownAddress !== undefined;
    // Not the Buffer itself: its `slice` is a view, and who copies a frame with it would keep none.
    const bytes = new Uint8Array(this.#buffer.buffer, this.#buffer.byteOffset, snapLength);
    const direction: Direction = isLoopback ? 'loopback' : 'unknown';
    this.#frame = { linkType, timestampUs: 0, bytes, start: 0, end: 0, originalLength: 0, direction };
    this.#handle.on('packet', (length) => this.#emit(length));
  }

  get frames(): number {
    return this.#frames;
  }

  /** Frames that fill the snap length: probably longer on the wire. */
  get cut(): number {
    return this.#cut;
  }

  /** No frame comes after this returns. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#handle.close();
  }

  #open(name: string, filter: string, bufferBytes: number): string {
    try {
      return this.#handle.open(name, filter, bufferBytes, this.#buffer);
    } catch (cause) {
      throw capOpenError(cause, name, filter);
    }
  }

  #emit(length: number): void {
    if (this.#isClosed) return;
    this.#frames++;
    if (length >= snapLength) this.#cut++;
    const frame = this.#frame;
    frame.timestampUs = this.#clockUs();
    frame.end = length;
    frame.originalLength = length;
    if (this.#ownAddress !== undefined) frame.direction = this.#isOwn(this.#ownAddress) ? 'out' : 'in';
    this.#onFrame(frame);
  }

  #isOwn(address: Uint8Array): boolean {
    for (let index = 0; index < ethernetSource.length; index++) {
      if (this.#buffer[ethernetSource.at + index] !== address[index]) return false;
    }
    return true;
  }
}
