// Whether this process has the right to capture.
import { existsSync, readFileSync } from 'node:fs';

const STATUS_FILE = '/proc/self/status';
const CAP_NET_RAW = 13n;

/** By the capability where the system has them (Linux), else by the user. */
export function canCapture() {
  const status = existsSync(STATUS_FILE) ? readFileSync(STATUS_FILE, 'utf8') : '';
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1];
  if (effective === undefined) return process.getuid?.() === 0;
  return ((BigInt(`0x${effective}`) >> CAP_NET_RAW) & 1n) === 1n;
}
