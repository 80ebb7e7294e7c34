// Publishes every package whose version is not published yet. Before: all four addons have to be in their packages, as they
// were built by `npm run build:addons`, since nothing at a user's machine could make up for a missing one.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addonPackageName, targets } from './addons/targets.mjs';
import { checkContents, packAll } from './pack/tarballs.mjs';
import { run, StepFailed, step } from './setup/step.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), 'gor-release-'));
try {
  const packed = await step('pack the packages', () => packAll(folder));
  await step('contents', () => checkContents(packed, targets.map(addonPackageName)));
  const { packageManager } = JSON.parse(readFileSync('package.json', 'utf8'));
  const publish = ['-r', 'publish', '--access', 'public', '--no-git-checks'];
  await step('publish', () => run('npx', ['-y', packageManager, ...publish]));
} catch (error) {
  if (!(error instanceof StepFailed)) throw error;
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
