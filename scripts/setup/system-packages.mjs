// Debian packages: which are missing, and installing them where this process may.
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from './step.mjs';

const POLICY_FILE = '/usr/sbin/policy-rc.d';

/** @param {string} program */
export function isInPath(program) {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => folder !== '' && existsSync(join(folder, program)));
}

/** Whether this process may install Debian packages. */
export function canInstall() {
  return process.getuid?.() === 0 && isInPath('apt-get');
}

/**
 * The one command that somebody with the right to do so has to run.
 * @param {readonly string[]} packages
 */
export function installCommand(packages) {
  return `sudo apt-get update && sudo apt-get install -y ${packages.join(' ')}`;
}

/**
 * Installs packages without starting any service that they bring.
 * @param {readonly string[]} packages
 */
export async function install(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  const ownPolicy = !existsSync(POLICY_FILE);
  if (ownPolicy) writeFileSync(POLICY_FILE, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await run('apt-get', ['-o', 'DPkg::Lock::Timeout=120', 'update'], { env });
    await run('apt-get', ['-o', 'DPkg::Lock::Timeout=120', 'install', '-y', '--no-install-recommends', ...packages], {
      env,
    });
  } finally {
    if (ownPolicy) rmSync(POLICY_FILE, { force: true });
  }
}
