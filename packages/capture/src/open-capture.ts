// Live capture: picks the engine and opens the interfaces. An engine is loaded only when it is needed, so that without
// it everything else works.

import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { CaptureError } from './errors.ts';
import type { Frame } from './frame.ts';
import { portFilter } from './port-filter.ts';
import { CapSource } from './sources/cap.ts';
import { type CapDevice, loadCap } from './sources/cap-module.ts';
import { RingSource } from './sources/ring.ts';
import { ringProgram } from './sources/ring-filter.ts';
import { interfaceIndex, loadRing } from './sources/ring-module.ts';
import { createWallClock } from './sources/wall-clock.ts';

/** Linux's name for all interfaces at once. */
const everyInterface = 'any';
const defaultBufferBytes = 64 * 1024 * 1024;
/** The engine takes the size as a signed 32-bit integer. */
const largestBufferBytes = 2 ** 31 - 1;
/** How long closing lets cap read on: looks of so many milliseconds, and no more of them than this under lasting load. */
const QUIET_LOOK_MS = 10;
const MAX_QUIET_LOOKS = 50;
/** ARPHRD_ETHER and ARPHRD_LOOPBACK: interfaces whose frames can carry VLAN tags. */
const linuxEthernetTypes: readonly string[] = ['1', '772'];

/** What to capture, and where the frames go. */
export interface OpenCaptureOptions {
  /**
   * `ring` is this package's own (Linux), `cap` is npm's cap over libpcap. `auto` takes `ring` where it is there and can
   * take the `filter`, else `cap`. Default `auto`.
   */
  readonly engine?: 'auto' | 'ring' | 'cap' | undefined;
  /** Names of interfaces, each taken once whatever it is called; `any` is all of them (Linux). Default: `any`. */
  readonly interfaces?: readonly string[] | undefined;
  /** TCP ports of either side, VLAN-tagged frames included (`cap`: where the interface has them). Default: every port. */
  readonly ports?: readonly number[] | undefined;
  /**
   * A pcap-filter expression instead of the one that is made from `ports`. `ring` has it compiled by tcpdump, where that
   * is installed, and sees packets from their IP header on: an expression about the link layer is one for `cap`.
   */
  readonly filter?: string | undefined;
  /**
   * Whether the interfaces shall give packets that are not addressed to this host, too: of a mirror port, for instance.
   * Not for `any`. `cap` always does. Default false.
   */
  readonly isPromiscuous?: boolean | undefined;
  /**
   * Kernel memory for packets that wait: in total for `ring`, which takes at least 1 MiB an interface, and for each
   * interface for `cap`. Default 64 MiB, 1 to 2^31 - 1.
   */
  readonly bufferBytes?: number | undefined;
  /** Called for each frame, which is valid only until this returns. What it throws becomes an uncaught exception. */
  readonly onFrame: (frame: Frame) => void;
  /** Called where an engine fails while it runs. `cap` cannot tell that it did. */
  readonly onError?: ((error: CaptureError) => void) | undefined;
  /**
   * Called when a named interface goes down or is removed, and soon after the start where it is down then. That is no
   * end: its frames come again when it, or another one of its name, is up. Only `ring` can tell.
   */
  readonly onInterfaceDown?: ((interfaceName: string) => void) | undefined;
  /** Called within a second after that. */
  readonly onInterfaceUp?: ((interfaceName: string) => void) | undefined;
  /** Time for engines that give none: integer microseconds since 1970. Default: the system's. */
  readonly clockUs?: (() => number) | undefined;
}

/** A capture that runs until it is closed. */
export interface LiveCapture extends AsyncDisposable {
  readonly engine: 'ring' | 'cap';
  /** Why `auto` did not take `ring`, in a line, where it could have been expected to. */
  readonly note: string | undefined;
  readonly interfaces: readonly string[];
  /** The filter of each interface, in the order of `interfaces`. */
  readonly filters: readonly string[];
  /** Whether every frame says if this host sent or received it. Loopback counts as received. */
  readonly tellsDirection: boolean;
  /** As of now. */
  readonly counters: () => LiveCaptureCounters;
  /**
   * The part of the kernel's buffer that waits to be read, 0 to 1, of the fullest of several: at 1 the kernel drops
   * packets. As of now, cheap; undefined where the engine cannot tell.
   */
  readonly bufferFill: () => number | undefined;
  /** Takes what is captured already, then stops: no frame comes after it resolved. May be called twice. */
  readonly close: () => Promise<void>;
}

/** What a live capture counts. */
export interface LiveCaptureCounters {
  readonly frames: number;
  /** Frames that are cut, or probably are. Counted within `frames`. */
  readonly cut: number;
  /** Packets that passed the filter and did not become frames; undefined where the engine cannot tell. */
  readonly kernelDrops: number | undefined;
  /** How often an interface was found to be down; 0 where the engine cannot tell. */
  readonly interfaceDowns: number;
}

/** What the two engines have in common: one open interface. */
interface OpenSource {
  readonly tellsDirection: boolean;
  readonly frames: number;
  readonly cut: number;
  readonly kernelDrops?: number;
  readonly bufferFill?: number;
  readonly interfaceDowns?: number;
  readonly close: () => Promise<void> | void;
}

/** The interfaces that were opened, and by what. */
interface OpenEngine {
  readonly engine: 'ring' | 'cap';
  readonly note?: string;
  readonly interfaces: readonly string[];
  readonly filters: readonly string[];
  readonly sources: readonly OpenSource[];
}

/**
 * Starts capturing. Rejects with CaptureError: `no-engine`, `no-permission`, `no-such-interface`, `bad-filter`,
 * `capture-failed`; then nothing is left open.
 */
export async function openCapture(options: OpenCaptureOptions): Promise<LiveCapture> {
  const { interfaces = [everyInterface], bufferBytes = defaultBufferBytes } = options;
  if (interfaces.length === 0) throw new RangeError('interfaces: the list is empty; name at least one, or "any"');
  if (!Number.isInteger(bufferBytes) || bufferBytes < 1 || bufferBytes > largestBufferBytes) {
    throw new RangeError(`bufferBytes: ${bufferBytes} is not an integer from 1 to ${largestBufferBytes}`);
  }
  if (options.isPromiscuous === true && interfaces.includes(everyInterface)) {
    throw new RangeError('isPromiscuous: true goes with interfaces by their names, not with "any"');
  }
  const names = interfaces.includes(everyInterface) ? [everyInterface] : [...new Set(interfaces)];
  const opened = await openEngine(options, names, bufferBytes);
  const { engine, note, filters, sources } = opened;
  const close = async (): Promise<void> => {
    if (engine === 'cap') await untilQuiet(() => sources.reduce((sum, source) => sum + source.frames, 0));
    await Promise.all(sources.map((source) => source.close()));
  };
  return {
    engine,
    note,
    interfaces: opened.interfaces,
    filters,
    tellsDirection: sources.every((source) => source.tellsDirection),
    counters: () => countersOf(engine, sources),
    bufferFill: () => highestFill(sources),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function openEngine(options: OpenCaptureOptions, names: string[], bufferBytes: number): Promise<OpenEngine> {
  const { engine = 'auto' } = options;
  if (engine === 'cap') return openCap(options, names, bufferBytes);
  try {
    return await openRing(options, names, bufferBytes);
  } catch (error) {
    if (engine === 'ring' || !isForCapToTry(error)) throw error;
    return openCapInstead(options, names, bufferBytes, error);
  }
}

/** Another engine has the same rights and interfaces; it can help where this one is missing or failed. */
function isForCapToTry(error: unknown): error is CaptureError {
  return error instanceof CaptureError && (error.code === 'no-engine' || error.code === 'capture-failed');
}

function openCapInstead(
  options: OpenCaptureOptions,
  names: string[],
  bufferBytes: number,
  why: CaptureError,
): OpenEngine {
  try {
    const opened = openCap(options, names, bufferBytes);
    return process.platform === 'linux' ? { ...opened, note: `engine cap, because: ${why.message}` } : opened;
  } catch (error) {
    const isMissing = error instanceof CaptureError && error.code === 'no-engine';
    if (!isMissing || process.platform !== 'linux') throw error;
    // Without either of them, the one that was wanted says what to do; the other one would help with a filter.
    if (options.filter === undefined) throw why;
    throw new CaptureError('no-engine', `${why.message} ${error.message}`, { cause: why });
  }
}

async function openRing(options: OpenCaptureOptions, names: string[], bufferBytes: number): Promise<OpenEngine> {
  const module = loadRing();
  const { ports = [], filter, engine, isPromiscuous = false } = options;
  const program = await ringProgram(ports, filter, engine === 'ring');
  // One interface may have several names.
  const byIndex = new Map<number, string>();
  for (const name of names) {
    const index = interfaceIndex(module, name);
    if (!byIndex.has(index)) byIndex.set(index, name);
  }
  const ofEach = { ...options, module, program, isPromiscuous, bufferBytes: bufferBytes / byIndex.size };
  const sources: RingSource[] = [];
  try {
    for (const [index, interfaceName] of byIndex) {
      sources.push(new RingSource({ ...ofEach, interfaceName, interfaceIndex: index }));
    }
  } catch (error) {
    for (const source of sources) source.abandon();
    throw error;
  }
  const interfaces = [...byIndex.values()];
  return {
    engine: 'ring',
    interfaces,
    filters: interfaces.map(() => filter ?? portFilter(ports, { vlan: true })),
    sources,
  };
}

function openCap(options: OpenCaptureOptions, names: string[], bufferBytes: number): OpenEngine {
  const module = loadCap();
  const { ports = [], onFrame, clockUs = createWallClock() } = options;
  const devices = findDevices(module.Cap.deviceList(), names);
  const filters = names.map((name) => options.filter ?? portFilter(ports, { vlan: carriesVlanTags(name) }));
  const sources: CapSource[] = [];
  try {
    for (const [index, device] of devices.entries()) {
      const filter = filters[index] ?? '';
      sources.push(new CapSource({ module, device, filter, bufferBytes, clockUs, onFrame }));
    }
  } catch (error) {
    for (const source of sources) source.close();
    throw error;
  }
  return { engine: 'cap', interfaces: names, filters, sources };
}

function countersOf(engine: 'ring' | 'cap', sources: readonly OpenSource[]): LiveCaptureCounters {
  const sum = (count: (source: OpenSource) => number) => sources.reduce((total, source) => total + count(source), 0);
  return {
    frames: sum((source) => source.frames),
    cut: sum((source) => source.cut),
    kernelDrops: engine === 'ring' ? sum((source) => source.kernelDrops ?? 0) : undefined,
    interfaceDowns: sum((source) => source.interfaceDowns ?? 0),
  };
}

function highestFill(sources: readonly OpenSource[]): number | undefined {
  let highest: number | undefined;
  for (const { bufferFill } of sources) {
    if (bufferFill !== undefined && bufferFill >= (highest ?? 0)) highest = bufferFill;
  }
  return highest;
}

function findDevices(devices: readonly CapDevice[], names: readonly string[]): CapDevice[] {
  return names.map((name) => {
    const device = devices.find((candidate) => candidate.name === name);
    if (device !== undefined) return device;
    const known = devices.map((candidate) => candidate.name).join(', ');
    // Without permission some systems list nothing.
    const hint = known === '' ? 'None can be seen; capturing may need root.' : `There are: ${known}.`;
    throw new CaptureError('no-such-interface', `There is no interface ${name} to capture on. ${hint}`);
  });
}

/** Filters for VLAN tags compile only where frames are Ethernet. */
function carriesVlanTags(interfaceName: string): boolean {
  if (interfaceName === everyInterface) return false;
  try {
    return linuxEthernetTypes.includes(readFileSync(`/sys/class/net/${interfaceName}/type`, 'latin1').trim());
  } catch {
    // Not Linux: elsewhere Ethernet interfaces are named en0 and the like.
    return /^en\d/.test(interfaceName);
  }
}

/** cap reads what waits in the kernel's buffers by turns of the event loop: waits until two looks find nothing new. */
async function untilQuiet(frames: () => number): Promise<void> {
  for (let look = 0, quietLooks = 0; look < MAX_QUIET_LOOKS && quietLooks < 2; look++) {
    const before = frames();
    await delay(QUIET_LOOK_MS);
    quietLooks = frames() === before ? quietLooks + 1 : 0;
  }
}
