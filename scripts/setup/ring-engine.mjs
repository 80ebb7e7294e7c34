// The native capture engine for Linux: packages/capture/native/ring.c, built with the machine's C compiler.
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { compileAddon } from '../addons/compile.mjs';
import { run } from './step.mjs';

const FOLDER = 'packages/capture/build';
const ADDON = `${FOLDER}/ring.node`;

/** Whether this system has what the engine is made of. */
export const isRingSupported = process.platform === 'linux';

/** Whether the addon was built, or this system needs none. */
export function isRingBuilt() {
  return !isRingSupported || existsSync(ADDON);
}

/** Compiles the addon. A running program keeps the file that it has loaded: the new one takes its name. */
export async function buildRingEngine() {
  mkdirSync(FOLDER, { recursive: true });
  const fresh = `${ADDON}.${process.pid}`;
  await compileAddon({ output: fresh });
  renameSync(fresh, ADDON);
}

/** Rejects with the reason where the addon does not load, proved in a process of its own. */
export async function proveRingEngine() {
  if (!existsSync(ADDON)) throw new Error(`${ADDON} is missing`);
  const proof = `const { Ring } = require('./${ADDON}'); if (typeof Ring !== 'function') throw new Error('no Ring');`;
  await run(process.execPath, ['-e', proof]);
}
