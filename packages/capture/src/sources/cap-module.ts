// The native package `cap` with types, which it has none of, and the reasons of its failures.

import { createRequire } from 'node:module';
import { CaptureError } from '../errors.ts';
import { noPermission } from './permission.ts';

/** What compiling cap takes, by process.platform. */
const buildNeeds: Readonly<Record<string, string>> = {
  linux: 'a C++ compiler, make, Python 3 and the headers of libpcap (Debian: g++ make python3 libpcap-dev)',
  darwin: "Xcode's command line tools (xcode-select --install), which bring libpcap",
  win32: "Visual Studio's C++ build tools, Python 3, and Npcap installed in WinPcap mode",
};

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

/** Loads the package; throws CaptureError `no-engine` where it is not installed or does not load: the message says what to do. */
export function loadCap(): CapModule {
  try {
    const loaded: unknown = createRequire(import.meta.url)('cap');
    if (isCapModule(loaded)) return loaded;
    throw new TypeError('the package cap exports no Cap');
  } catch (cause) {
    throw new CaptureError('no-engine', noCapText(cause, process.platform), { cause });
  }
}

/** Why the package is not there, and what to do on this system, by what `require` threw. */
export function noCapText(cause: unknown, platform: string): string {
  const reason = (cause instanceof Error ? cause.message : String(cause)).split('\n', 1)[0] ?? '';
  const needs = `It is compiled when it is installed, which takes ${buildNeeds[platform] ?? buildNeeds['linux']}.`;
  if (/^Cannot find module 'cap'/.test(reason)) {
    return `The engine cap needs the npm package cap, an optional peer that is not installed: npm install cap, with -g where this program was installed with -g. ${needs} Where npm runs no install scripts: npm approve-scripts cap && npm rebuild cap`;
  }
  return `The engine cap needs the npm package cap, which is installed but does not load (${reason}). ${needs} Then: npm rebuild cap, and before it, where npm runs no install scripts: npm approve-scripts cap`;
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
