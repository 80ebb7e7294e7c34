// What this machine and this user let tests do. A test that cannot run says so, with the reason.
import { existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { TestContext } from 'vitest';
import { canCapture } from '../../scripts/setup/rights.mjs';

const FOLDERS = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];

/** Skips the test where this process may not capture, or one of these programs is not installed. */
export function needs(context: TestContext, ...needed: readonly ('capture' | 'ipv6' | (string & {}))[]): void {
  for (const what of needed) {
    if (what === 'capture') context.skip(!canCapture(), 'capturing needs root');
    else if (what === 'ipv6') context.skip(!hasIpv6(), 'this machine has no IPv6 on loopback');
    else context.skip(!isInstalled(what), `${what} is not installed`);
  }
}

/** Whether a program is in the PATH or where system programs are. */
export function isInstalled(program: string): boolean {
  return FOLDERS.some((folder) => folder !== '' && existsSync(`${folder}/${program}`));
}

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'));
}
