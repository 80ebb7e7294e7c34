// Looks into a compiled addon for what would keep it from loading on somebody else's machine, or tell about this one.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { run } from '../setup/step.mjs';

/** @type {{ symbols: Record<string, { js_native_api_symbols: string[], node_api_symbols: string[] }> }} */
const { symbols } = createRequire(import.meta.url)('node-api-headers');
/** The Node-API of Node 20.19, the oldest supported, is 9; ring.c asks for less. */
const NODE_API = 'v8';
/** Node's own binaries need this much since 20, so that an addon may. */
const LARGEST_GLIBC = [2, 28];
/** The library first, then the loader, which has a variable of the stack protector on ARM. */
const GLIBC_FILES = ['libc.so.6', 'ld-linux-aarch64.so.1'];
/** Musl takes every name that begins with `libc.` for itself. */
const MUSL_FILES = ['libc.so'];
/** libuv's functions are part of every Node, and none of these has changed within libuv 1. */
const LIBUV = /^uv_[a-z_]+$/;
const EXPORTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];
/** Weak ones, that gcc's own start files ask for and that need not exist. */
const MAY_BE_MISSING = ['__gmon_start__', '_ITM_deregisterTMCloneTable', '_ITM_registerTMCloneTable'];
const PATHS = /\/(home|root|tmp|build|github|__w|usr|work)\/[\w./-]*/;

/**
 * Rejects with everything that is wrong with an addon.
 * @param {string} file
 * @param {import('./targets.mjs').Target} target
 * @param {string} [muslLibrary] where the target's libc is musl
 * @returns {Promise<string>} what it needs, in a line
 */
export async function inspectAddon(file, target, muslLibrary) {
  const header = await readelf('-h', file);
  const segments = await readelf('-l', file);
  const dynamic = await readelf('-d', file);
  const all = parseSymbols(await readelf('--dyn-syms', file));
  const needed = [...dynamic.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map((match) => match[1] ?? '');
  const allowed = target.libc === 'glibc' ? GLIBC_FILES : MUSL_FILES;
  const undefinedOnes = all.filter(({ isDefined, name }) => !isDefined && !MAY_BE_MISSING.includes(name));
  const ofLibc = undefinedOnes.filter(({ name }) => !isOfNode(name));
  const exported = all.filter(({ isDefined }) => isDefined).map(({ name }) => name);
  const problems = [
    ...(header.includes(`Machine:                           ${target.machine}`)
      ? []
      : [`it is not for ${target.machine}`]),
    ...(header.includes('DYN (Shared object file)') ? [] : ['it is no shared object']),
    ...needed.filter((name) => !allowed.includes(name)).map((name) => `it needs ${name}`),
    ...(needed.includes(allowed[0] ?? '') ? [] : [`it does not need ${allowed[0]}`]),
    ...['RPATH', 'RUNPATH', 'TEXTREL'].filter((tag) => dynamic.includes(`(${tag})`)).map((tag) => `it has a ${tag}`),
    ...(/\bBIND_NOW|Flags: NOW/.test(dynamic) ? [] : ['it binds its symbols late']),
    ...(segments.includes('GNU_RELRO') ? [] : ['its relocations stay writable']),
    ...(/GNU_STACK.* RW +0x/.test(segments) ? [] : ['its stack is executable']),
    ...exported.filter((name) => !EXPORTS.includes(name)).map((name) => `it exports ${name}`),
    ...EXPORTS.filter((name) => !exported.includes(name)).map((name) => `it does not export ${name}`),
    ...(await missingFrom(ofLibc, muslLibrary)),
    ...pathsIn(file),
  ];
  if (problems.length > 0) throw new Error(`${file}:\n${problems.join('\n')}`);
  const versions = ofLibc.flatMap(({ version }) => (version === undefined ? [] : [version])).sort(byVersion);
  return target.libc === 'musl' ? 'musl' : `glibc ${versions.at(-1)?.join('.') ?? 'of any age'}`;
}

/**
 * @typedef {{ name: string, version: number[] | undefined, isDefined: boolean }} Symbol
 * @param {string} table of readelf
 * @returns {Symbol[]}
 */
function parseSymbols(table) {
  return table.split('\n').flatMap((line) => {
    const match = /^ *\d+: [0-9a-f]+ +\d+ +\w+ +(?:GLOBAL|WEAK) +\w+ +(\w+) (\S+)/.exec(line);
    const [, section, name = ''] = match ?? [];
    if (match === null) return [];
    const [plain = '', version] = name.split(/@+GLIBC_/);
    return [{ name: plain, version: version?.split('.').map(Number), isDefined: section !== 'UND' }];
  });
}

/** @param {string} name */
function isOfNode(name) {
  const known = symbols[NODE_API];
  if (known === undefined) throw new Error(`node-api-headers does not know ${NODE_API}`);
  return LIBUV.test(name) || [...known.js_native_api_symbols, ...known.node_api_symbols].includes(name);
}

/**
 * @param {readonly Symbol[]} wanted of the C library
 * @param {string | undefined} muslLibrary
 */
async function missingFrom(wanted, muslLibrary) {
  if (muslLibrary === undefined) {
    return wanted
      .filter(({ version }) => version === undefined || byVersion(version, LARGEST_GLIBC) > 0)
      .map(
        ({ name, version }) =>
          `${name} is ${version === undefined ? 'in no library' : `of glibc ${version.join('.')}`}`,
      );
  }
  const there = new Set(
    parseSymbols(await readelf('--dyn-syms', muslLibrary)).flatMap((each) => (each.isDefined ? [each.name] : [])),
  );
  return wanted.filter(({ name }) => !there.has(name)).map(({ name }) => `${name} is not in musl`);
}

/** @param {string} file */
function pathsIn(file) {
  const path = PATHS.exec(readFileSync(file, 'latin1'))?.[0];
  return path === undefined ? [] : [`it tells a path of this machine: ${path}`];
}

/**
 * @param {readonly number[]} one
 * @param {readonly number[]} other
 */
function byVersion(one, other) {
  return (one[0] ?? 0) - (other[0] ?? 0) || (one[1] ?? 0) - (other[1] ?? 0) || (one[2] ?? 0) - (other[2] ?? 0);
}

/**
 * @param {string} what
 * @param {string} file
 */
function readelf(what, file) {
  return run('readelf', ['-W', what, file], { env: { ...process.env, LC_ALL: 'C' } });
}
