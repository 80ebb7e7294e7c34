// What the manifests of published packages promise to whoever installs them: nothing runs, and each system gets its addon.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { addonTargets } from '../packages/capture/src/sources/ring-addon.ts';

const ROOT = resolve(import.meta.dirname, '..');
const FOLDERS = ['packages', 'addons'].flatMap((parent) =>
  readdirSync(join(ROOT, parent)).map((name) => `${parent}/${name}`),
);
/** npm runs these for a dependency; `prepare` for those from git. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare'];

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly license?: string;
  readonly repository?: { readonly url?: string; readonly directory?: string };
  readonly scripts?: Readonly<Record<string, string>>;
  readonly gypfile?: unknown;
  readonly files?: readonly string[];
  readonly main?: string;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

test.each(FOLDERS)('installing %s runs no script', (folder) => {
  const { scripts = {}, gypfile, private: isPrivate, license } = manifestOf(folder);
  expect(Object.keys(scripts).filter((name) => INSTALL_SCRIPTS.includes(name))).toEqual([]);
  expect(gypfile).toBeUndefined();
  expect(existsSync(join(ROOT, folder, 'binding.gyp')), 'npm would run node-gyp').toBe(false);
  expect({ isPrivate, license }).toEqual({ isPrivate: undefined, license: 'MIT' });
});

test.each(FOLDERS)('%s says where it comes from, which publishing with provenance asks for', (folder) => {
  expect(manifestOf(folder).repository).toMatchObject({ url: 'git+https://github.com/gor/gor.git', directory: folder });
});

describe('the addon', () => {
  test.each(addonTargets)('for %s is a package that npm takes there only, of the same version', (target) => {
    const [os, cpu, libc] = target.split('-');
    const { version } = manifestOf('packages/capture');
    expect(manifestOf(`addons/${target}`)).toMatchObject({
      name: `@gor/capture-${target}`,
      version,
      os: [os],
      cpu: [cpu],
      libc: [libc],
      main: 'ring.node',
      files: ['ring.node'],
    });
  });

  test('is optional to @gor/capture, in exactly its own version', () => {
    const expected = Object.fromEntries(addonTargets.map((target) => [`@gor/capture-${target}`, 'workspace:*']));
    expect(manifestOf('packages/capture').optionalDependencies).toEqual(expected);
    expect(readdirSync(join(ROOT, 'addons')).sort()).toEqual([...addonTargets].sort());
  });

  test('and @gor/capture get their versions together', () => {
    const { fixed } = JSON.parse(readFileSync(join(ROOT, '.changeset/config.json'), 'utf8')) as { fixed: string[][] };
    expect(fixed).toEqual([['@gor/capture', '@gor/capture-*']]);
  });
});

test('cap is installed by those who want it only', () => {
  for (const folder of FOLDERS) {
    const { dependencies = {}, optionalDependencies = {} } = manifestOf(folder);
    expect({ ...dependencies, ...optionalDependencies }).not.toHaveProperty('cap');
  }
  // Those between the user's project and @gor/capture pass it on.
  for (const folder of ['packages/capture', 'packages/gor-listen', 'packages/gor']) {
    expect(manifestOf(folder)).toMatchObject({
      peerDependencies: { cap: '^0.2.1' },
      peerDependenciesMeta: { cap: { optional: true } },
    });
  }
});

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Manifest;
}
