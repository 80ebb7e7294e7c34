// Sets up everything, then runs the benches; arguments go to them.
import { StepFailed } from './setup/step.mjs';
import { setUp } from './setup.mjs';

try {
  await setUp();
  await import('../bench/bench.mjs'); // only now: it imports what the set-up has just built
} catch (error) {
  if (!(error instanceof StepFailed)) throw error;
  process.exitCode = 1;
}
