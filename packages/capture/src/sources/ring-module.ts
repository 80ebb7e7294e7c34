// The package's own native addon (native/ring.c) with types, and the reasons of its failures.

import { createRequire } from 'node:module';
import { CaptureError } from '../errors.ts';
import { type AddonHost, findRingAddon, thisHost } from './ring-addon.ts';

/** One open ring. It keeps the process alive until it is closed; after that its methods throw. */
export interface Ring {
  /** All blocks, one behind the other; detached by close. A block may be read only within its onBlock. */
  readonly memory: ArrayBuffer;
  /** Calls onBlock for every block that is ready, now; returns how many these were. */
  readonly read: () => number;
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
    /** Called in the event loop with the index of a block that is full or due; it is the kernel's again afterwards. */
    onBlock: (index: number) => void,
    /** Called with the code of an error of the open socket: ENETDOWN where its interface went down. */
    onError: (code: string) => void,
  ) => Ring;
  /** The index of each interface by its name, with or without an address. */
  readonly interfaces: () => Readonly<Record<string, number>>;
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

/** The index of an interface; throws CaptureError `no-such-interface` with the names of those that there are. */
export function interfaceIndex(module: RingModule, interfaceName: string): number {
  const indexes = module.interfaces();
  const index = Object.hasOwn(indexes, interfaceName) ? indexes[interfaceName] : undefined;
  if (index !== undefined) return index;
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
    return new CaptureError(
      'no-permission',
      `Capturing on ${interfaceName} is not permitted (${reason}). It takes root (sudo) or the right CAP_NET_RAW: AmbientCapabilities=CAP_NET_RAW in a systemd unit, --cap-add=NET_RAW for a container.`,
      { cause },
    );
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
