// The native package `cap` with types, which it has none of, and the reasons of its failures.

import { createRequire } from 'node:module';
import { CaptureError } from '../errors.ts';
import { noPermission } from './permission.ts';

/** One open interface. Opening the same object twice does not work: close() does nothing after that. */
export interface CapHandle {
  /** Returns the name of the link type. The library writes each packet into `buffer` and keeps only a raw pointer to it. */
  open: (device: string, filter: string, bufferBytes: number, buffer: Buffer) => string;
  close: () => boolean;
  on: (event: 'packet', listener: (length: number, isTruncated: boolean) => void) => void;
}

/** An interface of this machine. */
export interface CapDevice {
  readonly name: string;
  readonly flags?: string;
}

/** What the package exports, as far as it is used here. */
export interface CapModule {
  readonly Cap: { new (): CapHandle; deviceList: () => CapDevice[] };
}

/** Loads the package; throws CaptureError `no-engine` where it is not installed or not built. */
export function loadCap(): CapModule {
  try {
    const loaded: unknown = createRequire(import.meta.url)('cap');
    if (isCapModule(loaded)) return loaded;
    throw new TypeError('the package cap exports no Cap');
  } catch (cause) {
    throw new CaptureError(
      'no-engine',
      'Live capture needs the native package "cap", which does not load here. Install libpcap-dev and a C++ compiler, then run: npm rebuild cap',
      { cause },
    );
  }
}

/** The reason of an error that open threw, found in libpcap's own words. */
export function capOpenError(cause: unknown, interfaceName: string, filter: string): CaptureError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (/permission|permitted|CAP_NET_RAW|denied/i.test(reason)) {
    return noPermission(interfaceName, reason, process.platform, cause);
  }
  if (/no such device|SIOC|not up|mmap|memory|buffer/i.test(reason) || filter === '') {
    return new CaptureError('capture-failed', `Capturing on ${interfaceName} failed: ${reason}.`, { cause });
  }
  return new CaptureError('bad-filter', `The filter "${filter}" is not valid on ${interfaceName}: ${reason}.`, {
    cause,
  });
}

function isCapModule(value: unknown): value is CapModule {
  return typeof value === 'object' && value !== null && 'Cap' in value && typeof value.Cap === 'function';
}
