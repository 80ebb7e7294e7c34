// Packs every package as it would be published, and looks at what is in the tarballs.
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../setup/step.mjs';

const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare'];

/** Folders of what is published. @returns {string[]} */
export function publishedFolders() {
  return ['packages', 'addons'].flatMap((parent) => readdirSync(parent).map((name) => join(parent, name)));
}

/**
 * @param {string} folder for the tarballs
 * @returns {Promise<import('./registry.mjs').Packed[]>}
 */
export async function packAll(folder) {
  const { packageManager } = JSON.parse(readFileSync('package.json', 'utf8'));
  const packed = [];
  for (const source of publishedFolders()) {
    const destination = join(folder, source); // @gor/replay and gor-replay give the same file name
    mkdirSync(destination, { recursive: true });
    await run('npx', ['-y', packageManager, 'pack', '--pack-destination', destination], { cwd: source });
    const [file = ''] = readdirSync(destination).map((name) => join(destination, name));
    await run('tar', ['-xzf', file, '-C', destination]);
    const manifest = JSON.parse(readFileSync(join(unpackedFolder(file), 'package.json'), 'utf8'));
    packed.push({ name: manifest.name, version: manifest.version, file, manifest });
  }
  return packed;
}

/** Where a tarball was unpacked. @param {string} file */
export function unpackedFolder(file) {
  return join(file, '..', 'package');
}

/**
 * Rejects where a package would do or be something else than is meant on somebody's machine.
 * @param {readonly import('./registry.mjs').Packed[]} packed
 * @param {readonly string[]} withAddon names of packages that have to hold their addon
 */
export function checkContents(packed, withAddon) {
  const problems = packed.flatMap(({ name, file, manifest }) => {
    const folder = unpackedFolder(file);
    const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    const isAddon = manifest.main === 'ring.node';
    const unresolved = JSON.stringify(manifest).match(/"(workspace|catalog):[^"]*"/)?.[0];
    return [
      ...INSTALL_SCRIPTS.filter((script) => manifest.scripts?.[script] !== undefined).map((script) => `runs ${script}`),
      ...(existsSync(join(folder, 'binding.gyp')) ? ['would be compiled by npm'] : []),
      ...(existsSync(join(folder, 'LICENSE')) ? [] : ['has no LICENSE']),
      ...(unresolved === undefined ? [] : [`depends on ${unresolved}`]),
      ...(withAddon.includes(name) && !entries.includes('ring.node') ? ['has no ring.node'] : []),
      ...entries.filter((entry) => entry.endsWith('.node') && !isAddon).map((entry) => `has ${entry}`),
    ].map((problem) => `${name} ${problem}`);
  });
  if (problems.length > 0) throw new Error(problems.join('\n'));
}
