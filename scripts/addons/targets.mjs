// The four systems that get a prebuilt addon, and what Debian has to compile for them.
import { existsSync, readFileSync } from 'node:fs';
import { isInPath } from '../setup/system-packages.mjs';

/**
 * @typedef {object} Target
 * @property {string} name of the folder in addons/ and the end of the package's name
 * @property {'x64' | 'arm64'} arch as process.arch has it
 * @property {'glibc' | 'musl'} libc
 * @property {string} machine as readelf names it
 * @property {string} triplet GNU's name, with which Debian's cross compiler begins
 * @property {string} debianArch
 * @property {string} debianCompiler the Debian package
 */

const X64 = {
  arch: /** @type {const} */ ('x64'),
  machine: 'Advanced Micro Devices X86-64',
  triplet: 'x86_64-linux-gnu',
  debianArch: 'amd64',
  debianCompiler: 'gcc-x86-64-linux-gnu',
};
const ARM64 = {
  arch: /** @type {const} */ ('arm64'),
  machine: 'AArch64',
  triplet: 'aarch64-linux-gnu',
  debianArch: 'arm64',
  debianCompiler: 'gcc-aarch64-linux-gnu',
};

/** @type {readonly Target[]} */
export const targets = [
  { ...X64, name: 'linux-x64-glibc', libc: 'glibc' },
  { ...X64, name: 'linux-x64-musl', libc: 'musl' },
  { ...ARM64, name: 'linux-arm64-glibc', libc: 'glibc' },
  { ...ARM64, name: 'linux-arm64-musl', libc: 'musl' },
];

/** The system that this runs on; undefined where there is no addon for it. @returns {Target | undefined} */
export function hostTarget() {
  if (process.platform !== 'linux') return undefined;
  const report = /** @type {{ header?: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
  const libc = report.header?.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
  return targets.find((target) => target.arch === process.arch && target.libc === libc);
}

/**
 * The compiler for a target's processor with glibc: the machine's own where it is the same, so that no other is needed.
 * @param {Target} target
 */
export function compilerFor(target) {
  const cross = `${target.triplet}-gcc`;
  return isInPath(cross) || target.arch !== process.arch ? cross : 'cc';
}

/**
 * Whether the kernel's and glibc's headers are there for a target's processor.
 * @param {Target} target
 */
export function hasHeaders(target) {
  return existsSync(`/usr/${target.arch === process.arch ? '' : `${target.triplet}/`}include/stdio.h`);
}

/** Whether Debian's packages can be had here, which the others than this system's own are made with. */
export function hasDebianPackages() {
  return isInPath('apt-get') && isInPath('dpkg-deb') && existsSync('/etc/debian_version');
}

/** Where the addon of a target's package lies. @param {Target} target */
export function addonFile(target) {
  return `addons/${target.name}/ring.node`;
}

/** The name of a target's package. @param {Target} target @returns {string} */
export function addonPackageName(target) {
  return JSON.parse(readFileSync(`addons/${target.name}/package.json`, 'utf8')).name;
}
