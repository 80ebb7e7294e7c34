// Compiles the addons of the published packages, each twice, and looks into them. `--only linux-x64-musl,…` takes some of
// them; without it all four, which takes Debian and its cross compilers (installed here where this process may).
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compileAddon } from './addons/compile.mjs';
import { inspectAddon } from './addons/inspect.mjs';
import { muslFlags } from './addons/musl.mjs';
import { addonFile, compilerFor, hasDebianPackages, hasHeaders, hostTarget, targets } from './addons/targets.mjs';
import { run, StepFailed, step } from './setup/step.mjs';
import { canInstall, install, installCommand, isInPath } from './setup/system-packages.mjs';

/**
 * Builds the addon of each target into its package.
 * @param {readonly import('./addons/targets.mjs').Target[]} wanted
 */
export async function buildAddons(wanted) {
  const missing = missingPackages(wanted);
  if (missing.length > 0) {
    if (!canInstall()) throw new Error(`compilers are missing: ${installCommand(missing)}`);
    await step('install compilers', () => install(missing).then(() => missing.join(', ')));
  }
  for (const target of wanted) await step(`addon for ${target.name}`, () => buildAddon(target));
}

/**
 * @param {import('./addons/targets.mjs').Target} target
 * @returns {Promise<string>}
 */
async function buildAddon(target) {
  const compiler = compilerFor(target);
  const isForeignLibc = target.libc !== (hostTarget()?.libc ?? 'glibc');
  const musl = target.libc === 'musl' && isForeignLibc ? await muslFlags(target, compiler) : undefined;
  const { includes = [], libraries = [] } = musl ?? {};
  const folder = mkdtempSync(join(tmpdir(), 'gor-addon-'));
  try {
    const [first, second] = [join(folder, 'first.node'), join(folder, 'second.node')];
    await compileAddon({ compiler, output: first, isPublished: true, includes, libraries });
    await compileAddon({ compiler, output: second, isPublished: true, includes, libraries, cwd: folder });
    if (!readFileSync(first).equals(readFileSync(second))) throw new Error('compiling it again gives another file');
    const needs = await inspectAddon(first, target, musl?.library);
    const file = addonFile(target);
    await run('cp', [first, `${file}.${process.pid}`]);
    renameSync(`${file}.${process.pid}`, file);
    return `${readFileSync(file).length} bytes, needs ${needs}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {readonly import('./addons/targets.mjs').Target[]} wanted */
function missingPackages(wanted) {
  const missing = new Set();
  for (const target of wanted) {
    const isOwn = target === hostTarget();
    if (!isOwn && !hasDebianPackages()) throw new Error(`${target.name} is cross-compiled on Debian only`);
    if (!isInPath(compilerFor(target))) missing.add(isOwn ? 'gcc' : target.debianCompiler);
    if (!hasHeaders(target)) missing.add(isOwn ? 'libc6-dev' : `libc6-dev-${target.debianArch}-cross`);
  }
  if (!isInPath('readelf')) missing.add('binutils');
  return [...missing];
}

/**
 * @param {readonly string[]} args
 * @returns {readonly import('./addons/targets.mjs').Target[]}
 */
function chosen(args) {
  const [flag, list, ...rest] = args;
  if (flag === undefined) return targets;
  if (flag !== '--only' || list === undefined || rest.length > 0)
    throw new Error('usage: npm run build:addons [-- --only NAME,…]');
  return list.split(',').map((name) => {
    const target = targets.find((each) => each.name === name);
    if (target === undefined)
      throw new Error(`there is no ${name}, only: ${targets.map((each) => each.name).join(', ')}`);
    return target;
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.chdir(fileURLToPath(new URL('..', import.meta.url)));
  try {
    await buildAddons(chosen(process.argv.slice(2)));
  } catch (error) {
    if (!(error instanceof StepFailed)) process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}
