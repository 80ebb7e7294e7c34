// The package's own native addon (native/ring.c) with types, and the reasons of its failures.

import { createRequire } from 'node:module';
import { CaptureError } from '../errors.ts';
import { noPermission } from './permission.ts';
import { type AddonHost, findRingAddon, thisHost } from './ring-addon.ts';

/** Linux's name for all interfaces at once. */
const everyInterface = 'any';

/** One open ring. It keeps the process alive until it is closed; after that its methods throw. */
export interface Ring {
  /** All blocks, one behind the other; detached by close. A block may be read only within its onBlock. */
  readonly memory: ArrayBuffer;
  /** Goes on with another interface: same memory, same filter. What is in the ring already stays. */
  readonly bind: (interfaceIndex: number) => void;
  /** Of the interface that it is bound to; `gone` is for ever, as one made anew under that name is another one. */
  readonly interfaceState: () => 'up' | 'down' | 'gone';
  /** From now on no packet enters. */
  readonly stop: () => void;
  /** Since the last call, uint32: packets that passed the filter, and those of them for which there was no room. */
  readonly statistics: () => { readonly packets: number; readonly drops: number };
  readonly close: () => void;
}

/** What the addon exports. Its errors have the system's `code` and name the call that failed in `syscall`. */
export interface RingModule {
  readonly Ring: new (
    /** 0 is all interfaces. */
    interfaceIndex: number,
    /** An array of struct sock_filter. */
    filter: Uint8Array,
    /** A multiple of the page size. */
    blockBytes: number,
    blockCount: number,
    /** When the kernel hands over a block that is not full. */
    blockTimeoutMs: number,
    /** Whether the network card shall give what is addressed to others, too. */
    isPromiscuous: boolean,
    /** Called in the event loop with the index of a block that is full or due; it is the kernel's again afterwards. */
    onBlock: (index: number) => void,
    /** Called with the code of an error of the open socket: ENETDOWN where its interface went down. */
    onError: (code: string) => void,
  ) => Ring;
  /** The index of each interface by its name, with or without an address. */
  readonly interfaces: () => Readonly<Record<string, number>>;
  /** By any name that the system accepts, `eth0:1` and alternative names included; 0 where there is none. */
  readonly interfaceIndex: (interfaceName: string) => number;
}

/** Loads the addon; throws CaptureError `no-engine` where it is missing or does not load: the message says what to do. */
export function loadRing(host: AddonHost = thisHost()): RingModule {
  const { path, remedy } = findRingAddon(host);
  try {
    const loaded: unknown = createRequire(path)(path);
    if (isRingModule(loaded)) return loaded;
    throw new TypeError('it exports no Ring');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CaptureError('no-engine', `The engine ring does not load from ${path}: ${reason}. ${remedy}`, { cause });
  }
}

/** The index of the interface with exactly that name; undefined where there is none. */
export function findInterface(module: Pick<RingModule, 'interfaces'>, interfaceName: string): number | undefined {
  const indexes = module.interfaces();
  return Object.hasOwn(indexes, interfaceName) ? indexes[interfaceName] : undefined;
}

/** The system's name of the interface; undefined where there is none, or of index 0. */
export function nameOf(module: Pick<RingModule, 'interfaces'>, index: number): string | undefined {
  if (index === 0) return undefined;
  return Object.entries(module.interfaces()).find(([, each]) => each === index)?.[0];
}

/**
 * The index of an interface by any of its names; throws CaptureError `no-such-interface` with the names of those that
 * there are. Linux's `any` is 0.
 */
export function interfaceIndex(module: RingModule, interfaceName: string): number {
  if (interfaceName === everyInterface) return 0;
  const index = findInterface(module, interfaceName) ?? module.interfaceIndex(interfaceName);
  if (index > 0) return index;
  const indexes = module.interfaces();
  const known = Object.keys(indexes).join(', ');
  throw new CaptureError(
    'no-such-interface',
    `There is no interface ${interfaceName} to capture on. There are: any, ${known}.`,
  );
}

/** The reason why a ring did not open. */
export function ringOpenError(cause: unknown, interfaceName: string): CaptureError {
  const { code, reason } = systemError(cause);
  if (code === 'EPERM' || code === 'EACCES') {
    return noPermission(interfaceName, reason, process.platform, cause);
  }
  if (code === 'ENODEV' || code === 'ENXIO') {
    return new CaptureError('no-such-interface', `The interface ${interfaceName} is gone (${reason}).`, { cause });
  }
  const hint = code === 'ENOMEM' ? ' Try a smaller buffer.' : '';
  return new CaptureError('capture-failed', `Capturing on ${interfaceName} failed: ${reason}.${hint}`, { cause });
}

function systemError(cause: unknown): { readonly code: unknown; readonly reason: string } {
  if (!(cause instanceof Error)) return { code: undefined, reason: String(cause) };
  const code = 'code' in cause ? cause.code : undefined;
  const call = 'syscall' in cause ? `${cause.syscall}: ` : '';
  return { code, reason: `${call}${code === undefined ? '' : `${code}, `}${cause.message}` };
}

function isRingModule(value: unknown): value is RingModule {
  return typeof value === 'object' && value !== null && 'Ring' in value && 'interfaces' in value;
}
