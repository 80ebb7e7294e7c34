// Live capture: picks the engine and opens the interfaces. The engine is loaded only when it is needed, so that without
// it everything else works.

import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { CaptureError } from './errors.ts';
import type { Frame } from './frame.ts';
import { portFilter } from './port-filter.ts';
import { CapSource } from './sources/cap.ts';
import { type CapDevice, loadCap } from './sources/cap-module.ts';
import { createWallClock } from './sources/wall-clock.ts';

/** Linux's name for all interfaces at once. */
const everyInterface = 'any';
const defaultBufferBytes = 64 * 1024 * 1024;
/** The engine takes the size as a signed 32-bit integer. */
const largestBufferBytes = 2 ** 31 - 1;
/** ARPHRD_ETHER and ARPHRD_LOOPBACK: interfaces whose frames can carry VLAN tags. */
const linuxEthernetTypes: readonly string[] = ['1', '772'];

/** What to capture, and where the frames go. */
export interface OpenCaptureOptions {
  /** `auto` takes the best engine there is; today that is `cap`. Default `auto`. */
  readonly engine?: 'auto' | 'cap' | undefined;
  /** Names of interfaces; `any` is all of them (Linux). Default: `any`. */
  readonly interfaces?: readonly string[] | undefined;
  /** TCP ports of either side, VLAN-tagged frames included where the interface has them. Default: every port. */
  readonly ports?: readonly number[] | undefined;
  /** A pcap-filter expression instead of the one that is made from `ports`. */
  readonly filter?: string | undefined;
  /** Kernel memory for packets that wait, for each interface. Default 64 MiB, 1 to 2^31 - 1. */
  readonly bufferBytes?: number | undefined;
  /** Called for each frame, which is valid only until this returns. Must not throw. */
  readonly onFrame: (frame: Frame) => void;
  /** Called where an engine fails while it runs. `cap` cannot tell that it did. */
  readonly onError?: ((error: CaptureError) => void) | undefined;
  /** Time for engines that give none: integer microseconds since 1970. Default: the system's. */
  readonly clockUs?: (() => number) | undefined;
}

/** A capture that runs until it is closed. */
export interface LiveCapture extends AsyncDisposable {
  readonly engine: 'cap';
  readonly interfaces: readonly string[];
  /** The filter of each interface, in the order of `interfaces`. */
  readonly filters: readonly string[];
  /** Whether every frame says if this host sent or received it. Loopback counts as received. */
  readonly tellsDirection: boolean;
  /** Frames taken; those of them that are probably cut; packets the kernel dropped, undefined where the engine cannot tell. */
  readonly counters: () => { readonly frames: number; readonly cut: number; readonly kernelDrops: number | undefined };
  /** Takes what is captured already, then stops: no frame comes after it resolved. May be called twice. */
  readonly close: () => Promise<void>;
}

/**
 * Starts capturing. Rejects with CaptureError: `no-engine`, `no-permission`, `no-such-interface`, `bad-filter`,
 * `capture-failed`; then nothing is left open.
 */
export async function openCapture(options: OpenCaptureOptions): Promise<LiveCapture> {
  const { interfaces = [everyInterface], ports = [], bufferBytes = defaultBufferBytes } = options;
  if (interfaces.length === 0) throw new RangeError('interfaces: the list is empty; name at least one, or "any"');
  if (!Number.isInteger(bufferBytes) || bufferBytes < 1 || bufferBytes > largestBufferBytes) {
    throw new RangeError(`bufferBytes: ${bufferBytes} is not an integer from 1 to ${largestBufferBytes}`);
  }
  const module = loadCap();
  const names = interfaces.includes(everyInterface) ? [everyInterface] : [...new Set(interfaces)];
  const devices = findDevices(module.Cap.deviceList(), names);
  const filters = names.map((name) => options.filter ?? portFilter(ports, { vlan: carriesVlanTags(name) }));
  const clockUs = options.clockUs ?? createWallClock();
  const sources: CapSource[] = [];
  try {
    for (const [index, device] of devices.entries()) {
      const filter = filters[index] ?? '';
      sources.push(new CapSource({ module, device, filter, bufferBytes, clockUs, onFrame: options.onFrame }));
    }
  } catch (error) {
    for (const source of sources) source.close();
    throw error;
  }
  return liveCapture(sources, names, filters);
}

function liveCapture(sources: readonly CapSource[], interfaces: string[], filters: string[]): LiveCapture {
  const close = async (): Promise<void> => {
    // One turn of the event loop reads all that waits in the kernel's buffers.
    await setImmediate();
    await setImmediate();
    for (const source of sources) source.close();
  };
  return {
    engine: 'cap',
    interfaces,
    filters,
    tellsDirection: sources.every((source) => source.tellsDirection),
    counters: () => ({
      frames: sources.reduce((sum, source) => sum + source.frames, 0),
      cut: sources.reduce((sum, source) => sum + source.cut, 0),
      kernelDrops: undefined,
    }),
    close,
    [Symbol.asyncDispose]: close,
  };
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
