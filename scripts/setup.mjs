// Sets up everything that the programs and tests need on this machine; quick where nothing is to be done.
// Needs Node and npm only: pnpm comes through npx, system packages through apt-get where this process may.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  buildEnvironment,
  captureEngineLoads,
  missingBuildPackages,
  proveCaptureEngine,
} from './setup/capture-engine.mjs';
import { buildRingEngine, isRingBuilt, isRingSupported, proveRingEngine } from './setup/ring-engine.mjs';
import { currentStamp, lastSetUp, markSetUp } from './setup/stamp.mjs';
import { note, run, StepFailed, step } from './setup/step.mjs';
import { canInstall, install, installCommand, isInPath } from './setup/system-packages.mjs';

const LEAST_NODE = [20, 19];

/**
 * Sets up, and says whether a capture engine is there.
 * @returns {Promise<{ liveCapture: boolean }>}
 */
export async function setUp() {
  process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
  refuseOldNode();
  const last = lastSetUp(currentStamp());
  let isComplete = last === 'with capture' && isRingBuilt();
  if (last === undefined) await step('install the pinned dependencies', installDependencies);
  if (!isComplete) {
    isComplete = await setUpCapture();
    markSetUp(currentStamp(), isComplete);
  }
  await step('compile', () => run(process.execPath, ['node_modules/typescript/bin/tsc', '-b']).then(() => ''));
  return { liveCapture: isComplete || (isRingSupported && isRingBuilt()) };
}

function refuseOldNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [leastMajor = 0, leastMinor = 0] = LEAST_NODE;
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return;
  process.stderr.write(`Gor needs Node.js ${LEAST_NODE.join('.')} or later; this is ${process.version}.\n`);
  process.exit(1);
}

/** System packages first: pnpm builds cap while it installs. */
async function installDependencies() {
  const missing = await missingBuildPackages();
  if (missing.length > 0 && canInstall()) await install(missing);
  await pnpm(['install', '--frozen-lockfile']);
  return missing.length > 0 && canInstall() ? `with the system packages ${missing.join(', ')}` : '';
}

/** @returns {Promise<boolean>} whether every engine for this system was proved to load */
async function setUpCapture() {
  const missing = await missingBuildPackages();
  const ring = isRingSupported && (isInPath('cc') || canInstall());
  const cap = (await captureEngineLoads()) || missing.length === 0 || canInstall();
  if (cap) await setUpCap(missing);
  if (ring) {
    await step('build the capture engine ring', buildRingEngine);
    await step('load the capture engine ring', proveRingEngine);
  }
  if (cap && (ring || !isRingSupported)) return true;
  const without = ring ? 'Live capture works, but not with --filter or --engine cap' : 'Live capture is not available';
  note(`${without}: ${missing.join(', ')} missing. Everything else works. To have it:`);
  note(`  ${installCommand(missing)} && npm run setup`);
  return false;
}

/**
 * Builds cap where it does not load, and proves that it does.
 * @param {readonly string[]} missingPackages
 */
async function setUpCap(missingPackages) {
  if (!(await captureEngineLoads())) {
    await step('build the capture engine cap', () => buildCaptureEngine(missingPackages));
  }
  await step('load the capture engine cap', proveCaptureEngine);
}

/**
 * An optional dependency whose build failed is left out silently, and stays out until it is forced.
 * @param {readonly string[]} missingPackages
 */
async function buildCaptureEngine(missingPackages) {
  if (missingPackages.length > 0) await install(missingPackages);
  await pnpm(['install', '--frozen-lockfile', '--force']);
  await pnpm(['rebuild', 'cap']);
}

/**
 * Runs exactly the pnpm that package.json names: pnpm refuses to run as another version.
 * @param {readonly string[]} args
 */
async function pnpm(args) {
  const { packageManager } = JSON.parse(readFileSync('package.json', 'utf8'));
  const env = { ...process.env, ...buildEnvironment(), HOME: usableHome(), CI: 'true' };
  await run('npx', ['-y', packageManager, ...args], { env });
}

/** npm and pnpm keep caches in HOME: one of our own where there is none. */
function usableHome() {
  const home = process.env['HOME'];
  if (home !== undefined && home !== '' && existsSync(home)) return home;
  mkdirSync('.setup/home', { recursive: true });
  return resolve('.setup/home');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  setUp().catch((error) => {
    if (!(error instanceof StepFailed)) throw error;
    process.exitCode = 1;
  });
}
