// How the native addon is compiled: the same in a clone and for the published packages, which are stripped besides.
import { resolve } from 'node:path';
import { run } from '../setup/step.mjs';

const SOURCE = 'packages/capture/native/ring.c';
const HEADERS = 'node_modules/node-api-headers/include';
const WARNINGS = ['-Wall', '-Wextra', '-Werror'];
const COMPILE = ['-shared', '-fPIC', '-O2', '-std=gnu11', '-fvisibility=hidden', '-fstack-protector-strong'];
const LINK = ['-Wl,-z,relro,-z,now,-z,noexecstack', '-Wl,--as-needed'];
/** Nothing but what the source says: no symbols, no name of the compiler. */
const BARE = ['-s', '-fno-ident', '-Wl,--build-id=none'];

/**
 * Compiles the addon.
 * @param {object} options
 * @param {string} [options.compiler]
 * @param {string} options.output path of the file
 * @param {boolean} [options.isPublished] whether it leaves this machine
 * @param {readonly string[]} [options.includes] flags that come before all others
 * @param {readonly string[]} [options.libraries] flags that come behind the source
 * @param {string} [options.cwd] absolute; makes no difference to what is compiled
 */
export async function compileAddon({
  compiler = 'cc',
  output,
  isPublished = false,
  includes = [],
  libraries = [],
  cwd,
}) {
  const flags = [...COMPILE, ...WARNINGS, ...LINK, ...(isPublished ? BARE : [])];
  const paths =
    cwd === undefined ? { source: SOURCE, headers: HEADERS } : { source: resolve(SOURCE), headers: resolve(HEADERS) };
  const files = ['-I', paths.headers, '-o', resolve(output), paths.source];
  await run(compiler, [...includes, ...flags, ...files, ...libraries], cwd === undefined ? {} : { cwd });
}
