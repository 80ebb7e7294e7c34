// The checks beside the tests, each a name and a function that rejects with a log. `npm run check` runs the quick ones.
import { fileURLToPath, pathToFileURL } from 'node:url';
import { run, StepFailed, step } from './setup/step.mjs';
import { setUp } from './setup.mjs';

/** @typedef {{ name: string, run: () => Promise<unknown> }} Check */

/** @type {readonly Check[]} */
export const quickChecks = [
  { name: 'lint and format', run: () => run('node_modules/.bin/biome', ['ci', '.']) },
  { name: 'types, of everything', run: () => node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.check.json') },
];

/** @type {readonly Check[]} */
export const slowChecks = [
  { name: 'packages as published', run: () => node('scripts/pack-check.mjs', '--strict') },
  { name: 'npm start', run: () => node('scripts/start.mjs') },
];

/**
 * Runs checks one after another; says each in a line.
 * @param {readonly Check[]} checks
 * @returns {Promise<{ passed: number, failed: number }>}
 */
export async function runChecks(checks) {
  let failed = 0;
  for (const check of checks) {
    try {
      await step(check.name, () => check.run().then(() => ''));
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error;
      failed += 1;
    }
  }
  return { passed: checks.length - failed, failed };
}

/** @param {readonly string[]} args */
function node(...args) {
  return run(process.execPath, args);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.chdir(fileURLToPath(new URL('..', import.meta.url)));
  await setUp();
  const { failed } = await runChecks(quickChecks);
  process.exitCode = failed === 0 ? 0 : 1;
}
