// Finds the native addon of the engine `ring`: in a clone the one that was built there, elsewhere the one in the optional
// package that npm chose by this system's `os`, `cpu` and `libc`. Says in each other case why there is none, and what to do.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { CaptureError } from '../errors.ts';

/** The systems for which there is a package with the addon: its name is `@gor/capture-` and one of these. */
export const addonTargets: readonly string[] = [
  'linux-x64-glibc',
  'linux-x64-musl',
  'linux-arm64-glibc',
  'linux-arm64-musl',
];

/** Where an addon is looked for, and for what. */
export interface AddonHost {
  /** As process.platform and process.arch have them. */
  readonly platform: string;
  readonly arch: string;
  /** The C library that Node itself runs on. */
  readonly libc: 'glibc' | 'musl';
  /** This package's folder, absolute: packages are looked for from there. */
  readonly packageFolder: string;
}

/** An addon that is there. Whether it loads is not known yet. */
export interface RingAddon {
  /** Absolute. */
  readonly path: string;
  /** What to do where it does not load: one sentence. */
  readonly remedy: string;
}

const CAP_INSTEAD =
  'The engine cap works without it: npm install cap (it takes a compiler and the headers of libpcap).';

/**
 * Finds the addon. Throws CaptureError `no-engine` where this system has none, or where the package with it is missing
 * or made for another system.
 */
export function findRingAddon(host: AddonHost): RingAddon {
  const { platform, arch, libc, packageFolder } = host;
  if (platform !== 'linux') throw new CaptureError('no-engine', `The engine ring is for Linux; this is ${platform}.`);
  const isClone = existsSync(`${packageFolder}/native/ring.c`);
  const ownBuild = `${packageFolder}/build/ring.node`;
  if (existsSync(ownBuild))
    return { path: ownBuild, remedy: 'Build it again, which takes a C compiler: npm run setup' };
  const target = `${platform}-${arch}-${libc}`;
  const path = addonPath(packageFolder, target);
  if (path !== undefined) return { path, remedy: `${REINSTALL} ${CAP_INSTEAD}` };
  throw new CaptureError('no-engine', isClone ? NOT_BUILT : whyMissing(packageFolder, target));
}

/** This process and this package. Asks Node for its report, as npm does to choose; which takes some milliseconds. */
export function thisHost(): AddonHost {
  const { platform, arch } = process;
  // Beside src and dist alike.
  const packageFolder = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
  return { platform, arch, libc: platform === 'linux' ? libcOfNode() : 'glibc', packageFolder };
}

const NOT_BUILT = 'The engine ring is not built in this clone. Building it takes a C compiler: npm run setup';
const REINSTALL = 'Remove node_modules and install again on this system.';

function whyMissing(packageFolder: string, target: string): string {
  if (!addonTargets.includes(target)) {
    return `The engine ring is not built for ${target}; there is: ${addonTargets.join(', ')}. ${CAP_INSTEAD}`;
  }
  const others = addonTargets.filter((other) => addonPath(packageFolder, other) !== undefined);
  if (others.length > 0) {
    return `The engine ring is installed for ${others.join(', ')}, and this is ${target}: node_modules comes from another system. ${REINSTALL}`;
  }
  return `The engine ring needs the optional package ${addonPackage(target)}, which is not installed. Install again without --omit=optional or --no-optional; where a lockfile of another system left it out, without the lockfile. ${CAP_INSTEAD}`;
}

function addonPackage(target: string): string {
  return `@gor/capture-${target}`;
}

/** Undefined where the package is not installed, or holds no addon. */
function addonPath(packageFolder: string, target: string): string | undefined {
  try {
    return createRequire(`${packageFolder}/package.json`).resolve(addonPackage(target));
  } catch {
    return undefined; // not found is the answer
  }
}

/** Musl tells no version of glibc. */
function libcOfNode(): 'glibc' | 'musl' {
  // Else the report has the names of all open connections' peers, asked of DNS one by one. Node 20 does not know the word.
  const wanted: NodeJS.ProcessReport & { excludeNetwork?: boolean } = process.report;
  const before = wanted.excludeNetwork;
  wanted.excludeNetwork = true;
  const report: { header?: { glibcVersionRuntime?: string } } = process.report.getReport();
  if (before !== undefined) wanted.excludeNetwork = before;
  return report.header?.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
}
