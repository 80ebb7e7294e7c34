// Packs every package as it would be published, checks the tarballs, installs them into empty projects as npm does from a
// registry, without a compiler in the PATH and without running any script, and uses what was installed.
// `--release` wants all four addons, built before; without it this system's own is built here. `--strict` takes a step
// that cannot be made here for a failure.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addonPackageName, hostTarget, targets } from './addons/targets.mjs';
import { buildAddons } from './build-addons.mjs';
import { importLive, listenLive } from './pack/live.mjs';
import { Registry } from './pack/registry.mjs';
import { checkContents, packAll, unpackedFolder } from './pack/tarballs.mjs';
import { canCapture } from './setup/rights.mjs';
import { note, run, StepFailed, step } from './setup/step.mjs';

const CAPTURE = 'test/captures/curl-get-post.pcap';
const EMBEDDED = 'examples/embed-in-tests/replay.test.mjs';
/** All that is in the PATH once the packages are packed. */
const TOOLS = ['npm', 'sh', 'env'];

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const isRelease = process.argv.includes('--release');
const isStrict = process.argv.includes('--strict');
const folder = mkdtempSync(join(tmpdir(), 'gor-pack-'));
const host = hostTarget();
let skipped = 0;
try {
  await checkAll();
  if (isStrict && skipped > 0) throw new StepFailed('steps were skipped');
} catch (error) {
  if (!(error instanceof StepFailed)) throw error;
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function checkAll() {
  const built = isRelease ? targets : targets.filter((target) => target === host);
  if (!isRelease) await buildAddons(built);
  const packed = await step('pack the packages', () => packAll(join(folder, 'packed')));
  await step('contents', () => checkContents(packed, built.map(addonPackageName)));
  // Of the addons only those that were built have the file that their manifest names.
  const unbuilt = targets.filter((target) => !built.includes(target)).map(addonPackageName);
  await step('publint', () => lint(packed.filter(({ name }) => !unbuilt.includes(name))));
  // Addons have no types to resolve.
  await step('types resolve', () => resolveTypes(packed.filter(({ manifest }) => manifest['exports'] !== undefined)));
  const upstream = (await run('npm', ['config', 'get', 'registry'])).trim().split('\n').at(-1) ?? '';
  const registry = new Registry(packed, upstream);
  await registry.start();
  try {
    process.env['PATH'] = toolsFolder();
    await step('npm takes the one addon for the system', () => chooseAddons(registry));
    const project = join(folder, 'project');
    await step('install into an empty project', () => install(project, registry, ['gor', 'gor-listen', 'gor-replay']));
    await step('one addon, and no cap', () => checkInstalled(project));
    await step('use the installed programs', () => useThem(project));
    await step('a test that embeds the installed libraries', () => embed(join(folder, 'embedding'), registry));
    await step('without its addon, and without cap, it says what to do', () => checkWords(registry));
    await captureLive(project, registry);
  } finally {
    registry.stop();
  }
}

/** @param {readonly import('./pack/registry.mjs').Packed[]} packed */
async function lint(packed) {
  // publint's own packing wants a pnpm in the PATH.
  for (const { file } of packed) {
    await run('node_modules/.bin/publint', [unpackedFolder(file), '--strict', '--pack', 'false']);
  }
}

/** @param {readonly import('./pack/registry.mjs').Packed[]} packed */
async function resolveTypes(packed) {
  for (const { file } of packed) await run('node_modules/.bin/attw', [file, '--profile', 'esm-only']);
}

/** A folder with Node, npm and a shell: no compiler, no make, no Python, no pkg-config. */
function toolsFolder() {
  const tools = join(folder, 'tools');
  mkdirSync(tools);
  symlinkSync(process.execPath, join(tools, 'node'));
  const path = (process.env['PATH'] ?? '').split(':');
  for (const tool of TOOLS) {
    const found = path.map((each) => join(each, tool)).find((each) => existsSync(each));
    if (found === undefined) throw new Error(`there is no ${tool} in the PATH`);
    symlinkSync(realpathSync(found), join(tools, tool));
  }
  return tools;
}

/**
 * @param {string} project folder that is made
 * @param {Registry} registry
 * @param {readonly string[]} names
 * @param {readonly string[]} [flags]
 */
async function install(project, registry, names, flags = []) {
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "name": "empty", "private": true, "type": "module" }\n');
  const all = [
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--prefer-online',
    `--registry=${registry.url}`,
    ...flags,
  ];
  await run('npm', ['install', ...all, ...names], { cwd: project });
}

/** @param {string} project @returns {string[]} */
function addonsIn(project) {
  return readdirSync(join(project, 'node_modules/@gor')).filter((name) => name.startsWith('capture-'));
}

/** @param {Registry} registry */
async function chooseAddons(registry) {
  const systems = [
    ...targets.map(({ name, arch, libc }) => ({
      flags: ['--os=linux', `--cpu=${arch}`, `--libc=${libc}`],
      expected: [`capture-${name}`],
    })),
    { flags: ['--os=darwin', '--cpu=arm64'], expected: [] },
    { flags: ['--os=linux', '--cpu=riscv64', '--libc=glibc'], expected: [] },
    { flags: ['--omit=optional'], expected: [] },
  ];
  for (const [index, { flags, expected }] of systems.entries()) {
    const project = join(folder, `system-${index}`);
    await install(project, registry, ['@gor/capture'], flags);
    const taken = addonsIn(project);
    if (`${taken}` !== `${expected}`) throw new Error(`${flags.join(' ')}: npm took ${taken.join(', ') || 'none'}`);
  }
  return `${systems.length} systems`;
}

/** @param {string} project */
function checkInstalled(project) {
  const native = readdirSync(join(project, 'node_modules')).filter((name) => name === 'cap' || name === 'nan');
  if (native.length > 0) throw new Error(`npm installed ${native.join(', ')}`);
  const expected = host === undefined ? [] : [`capture-${host.name}`];
  const taken = addonsIn(project);
  if (`${taken}` !== `${expected}`) throw new Error(`npm took ${taken.join(', ') || 'no addon'}`);
  return taken.join(', ');
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

/**
 * The example with vitest, run in a project that has the libraries from the registry.
 * @param {string} project
 * @param {Registry} registry
 */
async function embed(project, registry) {
  const { version } = JSON.parse(readFileSync('node_modules/vitest/package.json', 'utf8'));
  await install(project, registry, ['@gor/capture', '@gor/http', '@gor/replay', `vitest@${version}`]);
  for (const each of [EMBEDDED, CAPTURE]) cpSync(each, join(project, each));
  await run('node', ['node_modules/vitest/vitest.mjs', 'run', EMBEDDED], { cwd: project });
}

/** @param {Registry} registry */
async function checkWords(registry) {
  const project = join(folder, 'without');
  await install(project, registry, ['gor-listen'], ['--omit=optional']);
  const program = join(project, 'node_modules/.bin/gor-listen');
  const words = host === undefined ? [] : [['ring', /@gor\/capture-linux-\w+-\w+, which is not installed/]];
  for (const [engine, pattern] of [
    ...words,
    ['cap', /which is not installed|peer that is not installed: npm install cap/],
  ]) {
    const said = await run(program, ['--engine', String(engine), '-p', '80']).catch((error) => error.message);
    if (!new RegExp(pattern ?? '').test(said) || !said.includes('ended with exit code 69')) throw new Error(said);
  }
}

/**
 * @param {string} project
 * @param {Registry} registry
 */
async function captureLive(project, registry) {
  if (host === undefined) return skip('live capture', 'the engine ring is for Linux on x64 and arm64');
  if (!canCapture()) return skip('live capture', 'capturing needs root or CAP_NET_RAW');
  await step('capture live with the installed gor-listen', () =>
    listenLive(join(project, 'node_modules/.bin/gor-listen'), 'ring'),
  );
  await step('capture live in a script that imports @gor/capture', () => importLive(project));
  await captureWithCap(project, registry);
}

/**
 * The peer cap, compiled already, where npm would put it: beside the program, in a project and among global packages.
 * @param {string} project
 * @param {Registry} registry
 */
async function captureWithCap(project, registry) {
  const cap = 'packages/capture/node_modules/cap';
  if (!existsSync(join(cap, 'build/Release/cap.node'))) return skip('engine cap', 'cap is not compiled in this clone');
  const prefix = join(folder, 'global');
  const flags = [
    '--global',
    '--prefix',
    prefix,
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    `--registry=${registry.url}`,
  ];
  await step('install globally', () => run('npm', ['install', ...flags, 'gor-listen']).then(() => ''));
  for (const place of [join(project, 'node_modules'), join(prefix, 'lib/node_modules')]) {
    cpSync(realpathSync(cap), join(place, 'cap'), { recursive: true });
  }
  await step('capture with cap in a project', () => listenLive(join(project, 'node_modules/.bin/gor-listen'), 'cap'));
  await step('capture with cap, installed globally', () => listenLive(join(prefix, 'bin/gor-listen'), 'cap'));
}

/**
 * @param {string} what
 * @param {string} why
 */
function skip(what, why) {
  skipped += 1;
  note(`skipped: ${what}, because ${why}`);
}
