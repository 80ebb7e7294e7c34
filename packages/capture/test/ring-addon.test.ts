// Real folders as npm and a clone make them; the addon in them is a file that does not load, so that it is never ours.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { CaptureError } from '../src/errors.ts';
import { type AddonHost, addonTargets, findRingAddon, thisHost } from '../src/sources/ring-addon.ts';
import { loadRing } from '../src/sources/ring-module.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

interface Installed {
  /** Targets whose packages lie beside @gor/capture. */
  readonly packages?: readonly string[];
  /** Files of @gor/capture itself. */
  readonly files?: readonly string[];
}

const x64 = { platform: 'linux', arch: 'x64', libc: 'glibc' } as const;
const alpine = { platform: 'linux', arch: 'arm64', libc: 'musl' } as const;
const elsewhere = (target: string) => `node_modules/@gor/capture-${target}/ring.node`;

test.each<[string, Omit<AddonHost, 'packageFolder'>, Installed, string]>([
  ['the package for this system is taken', x64, { packages: ['linux-x64-glibc'] }, elsewhere('linux-x64-glibc')],
  ['Alpine on ARM takes its own', alpine, { packages: ['linux-arm64-musl'] }, elsewhere('linux-arm64-musl')],
  [
    'among all of them the one for this C library is taken',
    alpine,
    { packages: addonTargets },
    elsewhere('linux-arm64-musl'),
  ],
  [
    'what was built in a clone goes before an installed package',
    x64,
    { files: ['build/ring.node'], packages: ['linux-x64-glibc'] },
    'node_modules/@gor/capture/build/ring.node',
  ],
  [
    'what was built in a clone serves systems without a package',
    { ...x64, arch: 'riscv64' },
    { files: ['build/ring.node'] },
    'node_modules/@gor/capture/build/ring.node',
  ],
])('%s', (_, system, installed, expected) => {
  const { root, host } = install(system, installed);
  expect(findRingAddon(host).path).toBe(join(root, expected));
});

test.each<[string, Omit<AddonHost, 'packageFolder'>, Installed, RegExp[]]>([
  [
    'macOS has no such engine',
    { ...x64, platform: 'darwin' },
    { packages: addonTargets },
    [/is for Linux; this is darwin/],
  ],
  [
    'a processor without a package',
    { ...x64, arch: 'riscv64' },
    { packages: addonTargets },
    [/not built for linux-riscv64-glibc/, /linux-arm64-musl/, /npm install cap/],
  ],
  [
    'optional dependencies left out',
    x64,
    {},
    [/@gor\/capture-linux-x64-glibc, which is not installed/, /without --omit=optional/, /npm install cap/],
  ],
  [
    'node_modules of another C library',
    alpine,
    { packages: ['linux-arm64-glibc'] },
    [/installed for linux-arm64-glibc, and this is linux-arm64-musl/, /Remove node_modules/],
  ],
  [
    'node_modules of another processor',
    alpine,
    { packages: ['linux-x64-glibc', 'linux-x64-musl'] },
    [/installed for linux-x64-glibc, linux-x64-musl, and/],
  ],
  [
    'a package without its addon is none',
    x64,
    { files: ['../capture-linux-x64-glibc/package.json'] },
    [/which is not installed/],
  ],
  ['a clone where nothing was built', x64, { files: ['native/ring.c'] }, [/not built in this clone/, /npm run setup/]],
])('no engine: %s', (_, system, installed, says) => {
  const { host } = install(system, installed);
  const error = failureOf(() => findRingAddon(host));
  for (const pattern of says) expect(error.message).toMatch(pattern);
});

test.each<[string, Installed, RegExp]>([
  [
    'an installed one is to be installed again',
    { packages: ['linux-x64-glibc'] },
    /Remove node_modules and install again/,
  ],
  ['one of a clone is to be built again', { files: ['build/ring.node'] }, /Build it again.*npm run setup/],
])('an addon that does not load keeps the cause, and %s', (_, installed, remedy) => {
  const { host } = install(x64, installed);
  const error = failureOf(() => loadRing(host));
  expect(error.message).toMatch(/does not load from .*ring\.node: /);
  expect(error.message).toMatch(remedy);
  expect(error.cause).toBeInstanceOf(Error);
});

test('this process tells its own system, and finds the addon of this package or says why not', () => {
  const host = thisHost();
  expect(host).toMatchObject({ platform: process.platform, arch: process.arch });
  expect(host.packageFolder).toBe(resolve(import.meta.dirname, '..'));
  const isMusl = JSON.stringify(process.report.getReport()).includes('ld-musl-');
  expect(host.libc).toBe(isMusl ? 'musl' : 'glibc');
});

/** Installs @gor/capture, and what lies beside it, into a folder of its own. */
function install(system: Omit<AddonHost, 'packageFolder'>, { packages = [], files = [] }: Installed) {
  const root = mkdtempSync(join(tmpdir(), 'gor-addon-'));
  folders.push(root);
  const scope = join(root, 'node_modules/@gor');
  for (const target of packages) {
    write(join(scope, `capture-${target}/package.json`), '{ "main": "ring.node" }');
    write(join(scope, `capture-${target}/ring.node`), 'no ELF file');
  }
  for (const file of files)
    write(join(scope, 'capture', file), file.endsWith('.json') ? '{ "main": "ring.node" }' : 'no ELF file');
  const packageFolder = join(scope, 'capture');
  mkdirSync(packageFolder, { recursive: true });
  return { root, host: { ...system, packageFolder } };
}

function write(path: string, text: string): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
}

function failureOf(fails: () => unknown): CaptureError {
  try {
    fails();
  } catch (error) {
    if (error instanceof CaptureError && error.code === 'no-engine') return error;
    throw error;
  }
  throw new Error('it did not fail');
}
