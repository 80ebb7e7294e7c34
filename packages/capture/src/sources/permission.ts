// What is said where the system does not let this process capture: the ways to get the right, and no other. A capability
// on the node binary is none of them: every script of every user would have it.

import { CaptureError } from '../errors.ts';

/** The error `no-permission`; `reason` is the system's own word, `platform` is as `process.platform` has it. */
export function noPermission(interfaceName: string, reason: string, platform: string, cause: unknown): CaptureError {
  const message = `Capturing on ${interfaceName} is not permitted (${reason}). ${waysOn(platform)}`;
  return new CaptureError('no-permission', message, { cause });
}

function waysOn(platform: string): string {
  if (platform === 'linux')
    return 'It takes the right CAP_NET_RAW, in one of three ways: sudo; a systemd unit with AmbientCapabilities=CAP_NET_RAW, as in deploy/; a container with NET_RAW (--cap-add=NET_RAW).';
  if (platform === 'win32') return 'It takes an administrator.';
  return 'It takes root (sudo), or the right to read /dev/bpf*.';
}
