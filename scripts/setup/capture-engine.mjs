// The native capture engine: npm's cap over libpcap. What it takes to build it, and the proof that it loads.
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { run } from './step.mjs';
import { isInPath } from './system-packages.mjs';

const PROOF = `
  const { createRequire } = require('node:module');
  const { Cap } = createRequire(${JSON.stringify(resolve('packages/capture/package.json'))})('cap');
  if (typeof Cap.deviceList !== 'function' || !Array.isArray(Cap.deviceList())) throw new Error('cap lists no devices');
`;

/**
 * The Debian packages that building cap needs and that are not there.
 * @returns {Promise<string[]>}
 */
export async function missingBuildPackages() {
  const missing = [];
  if (!isInPath('g++')) missing.push('g++');
  if (!isInPath('make')) missing.push('make');
  if (!isInPath('python3')) missing.push('python3');
  if (!(await hasPcapHeaders())) missing.push('libpcap-dev');
  return missing;
}

/** Whether cap loads, proved in a process of its own. @returns {Promise<boolean>} */
export async function captureEngineLoads() {
  return run(process.execPath, ['-e', PROOF]).then(
    () => true,
    () => false, // the caller says what to do about it
  );
}

/** Like captureEngineLoads, but rejects with the reason. */
export async function proveCaptureEngine() {
  await run(process.execPath, ['-e', PROOF]);
}

/**
 * The environment for node-gyp: Node's headers from beside its binary, where they are, so that none are downloaded.
 * @returns {NodeJS.ProcessEnv}
 */
export function buildEnvironment() {
  const prefix = dirname(dirname(process.execPath));
  const hasHeaders = existsSync(join(prefix, 'include/node/node.h'));
  return hasHeaders ? { npm_config_nodedir: prefix } : {};
}

/** @returns {Promise<boolean>} */
async function hasPcapHeaders() {
  if (!isInPath('cc')) return existsSync('/usr/include/pcap.h');
  return run('cc', ['-E', '-x', 'c', '-'], { input: '#include <pcap.h>\n' }).then(
    () => true,
    () => false, // the preprocessor did not find it: that is the answer
  );
}
