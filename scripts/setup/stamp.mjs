// Says whether anything is to be set up: a digest over lockfile, manifests, native sources, Node version and architecture.
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, writeFileSync } from './files.mjs';

/** Written into node_modules, so that it goes with what it vouches for. */
const STAMP_FILE = 'node_modules/.gor-set-up';
const WATCHED = [
  'pnpm-lock.yaml',
  'pnpm-workspace.yaml',
  'package.json',
  'packages/*/package.json',
  'addons/*/package.json',
  'examples/package.json',
  'packages/*/native/*',
  'scripts/addons/compile.mjs',
];

/** @returns {string} */
export function currentStamp() {
  const digest = createHash('sha256').update(`${process.version} ${process.platform} ${process.arch}\n`);
  for (const file of WATCHED.flatMap(globSync).sort()) digest.update(`${file}\0`).update(readFileSync(file));
  return digest.digest('hex');
}

/**
 * What the last set-up, made for exactly this, came to; undefined where there was none.
 * @param {string} stamp
 * @returns {'with capture' | 'without capture' | undefined}
 */
export function lastSetUp(stamp) {
  if (!existsSync(STAMP_FILE)) return undefined;
  const text = readFileSync(STAMP_FILE, 'utf8');
  if (text === `${stamp} with capture`) return 'with capture';
  return text === `${stamp} without capture` ? 'without capture' : undefined;
}

/**
 * @param {string} stamp
 * @param {boolean} withCapture
 */
export function markSetUp(stamp, withCapture) {
  writeFileSync(STAMP_FILE, `${stamp} ${withCapture ? 'with' : 'without'} capture`);
}
