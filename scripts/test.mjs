// Sets up everything, then runs every test; `--soak` runs the long ones instead. Other arguments go to vitest.
import { spawn } from 'node:child_process';
import { setUpPeers } from './setup/peers.mjs';
import { step } from './setup/step.mjs';
import { setUp } from './setup.mjs';

const args = process.argv.slice(2);
const soak = args.includes('--soak');
try {
  await setUp();
  await step('programs for the live tests', setUpPeers);
} catch {
  process.exit(1); // the step printed its log
}
const child = spawn(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', ...args.filter((arg) => arg !== '--soak')],
  {
    stdio: 'inherit',
    env: { ...process.env, ...(soak ? { GOR_SOAK: '1' } : {}) },
  },
);
child.on('close', (code) => {
  process.exitCode = code ?? 1;
});
