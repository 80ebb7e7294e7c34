// Sets up everything, then shows the main job on this machine: production's requests reach staging, byte for byte.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canCapture } from './setup/rights.mjs';
import { note, StepFailed } from './setup/step.mjs';
import { setUp } from './setup.mjs';

const folder = mkdtempSync(join(tmpdir(), 'gor-demo-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
try {
  const { liveCapture } = await setUp();
  const live = liveCapture && canCapture();
  // Only now: it imports what the set-up has just built.
  const { Demonstration } = await import('./demo/demonstration.mjs');
  const demonstration = new Demonstration(folder, live);
  const identical = await demonstration.run();
  if (!live) {
    note('This was played from a capture file made on the spot. To see it live, with the right to capture:');
    note('  sudo env "PATH=$PATH" npm start');
  }
  for (const line of nextSteps()) note(line);
  if (!identical) process.exitCode = 1;
} catch (error) {
  if (!(error instanceof StepFailed)) throw error;
  process.exitCode = 1;
}

function nextSteps() {
  return [
    'Three things to try next, each in a terminal of its own:',
    '  packages/gor/bin/gor.js replay -f "http://localhost:8080|10"        # to a staging server of yours',
    '  sudo env "PATH=$PATH" packages/gor/bin/gor.js listen -p 80          # on the machine of a production server',
    '  sudo env "PATH=$PATH" packages/gor/bin/gor.js listen -p any --print # shows every HTTP request to this machine',
  ];
}
