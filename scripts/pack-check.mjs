// Packs every package as it would be published, checks the tarballs, installs them into an empty project without
// running any script, and uses the programs there.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, StepFailed, step } from './setup/step.mjs';

const CAPTURE = 'test/captures/curl-get-post.pcap';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), 'gor-pack-'));
try {
  const names = readdirSync('packages');
  const tarballs = await step(`pack ${names.length} packages`, () => packAll(names));
  await step('publint', () => lint(tarballs));
  await step('types resolve', () => resolveTypes(tarballs));
  const project = join(folder, 'project');
  await step('install into an empty project', () => install(project, tarballs));
  await step('use the installed programs', () => useThem(project));
} catch (error) {
  if (!(error instanceof StepFailed)) throw error;
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/**
 * @param {readonly string[]} names of the packages' folders
 * @returns {Promise<string[]>} paths of the tarballs
 */
async function packAll(names) {
  const { packageManager } = JSON.parse(readFileSync('package.json', 'utf8'));
  const tarballs = [];
  for (const name of names) {
    const destination = join(folder, 'packed', name); // @gor/replay and gor-replay give the same file name
    mkdirSync(destination, { recursive: true });
    await run('npx', ['-y', packageManager, 'pack', '--pack-destination', destination], { cwd: `packages/${name}` });
    tarballs.push(...readdirSync(destination).map((file) => join(destination, file)));
  }
  return tarballs;
}

/**
 * Looks at what is in the tarballs: publint's own packing wants a pnpm in the PATH.
 * @param {readonly string[]} tarballs
 */
async function lint(tarballs) {
  for (const [number, tarball] of tarballs.entries()) {
    const unpacked = join(folder, `unpacked-${number}`);
    mkdirSync(unpacked);
    await run('tar', ['-xzf', tarball, '-C', unpacked]);
    await run('node_modules/.bin/publint', [join(unpacked, 'package'), '--strict', '--pack', 'false']);
  }
}

/** @param {readonly string[]} tarballs */
async function resolveTypes(tarballs) {
  for (const tarball of tarballs) await run('node_modules/.bin/attw', [tarball, '--profile', 'esm-only']);
}

/**
 * @param {string} project
 * @param {readonly string[]} tarballs
 */
async function install(project, tarballs) {
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "name": "empty", "private": true, "type": "module" }\n');
  await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...tarballs], { cwd: project });
}

/** @param {string} project */
async function useThem(project) {
  const bin = join(project, 'node_modules/.bin');
  for (const program of ['gor', 'gor-listen', 'gor-replay']) await run(join(bin, program), ['--version']);
  const args = ['--pcap', join(process.cwd(), CAPTURE), '--json', '-p', 'any', '--quiet'];
  for (const command of [[join(bin, 'gor-listen')], [join(bin, 'gor'), 'listen']]) {
    const printed = await run(command[0] ?? '', [...command.slice(1), ...args]);
    const methods = printed
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).method);
    if (methods.length < 2) throw new Error(`requests of ${CAPTURE} are missing:\n${printed}`);
  }
}
