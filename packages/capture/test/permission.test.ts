// Without the right to capture: the ways to get it on each system, and never a capability on the shared node binary.
import { expect, test } from 'vitest';
import { noPermission } from '../src/sources/permission.ts';

test.each([
  ['linux', ['sudo', 'AmbientCapabilities=CAP_NET_RAW', 'deploy/', '--cap-add=NET_RAW']],
  ['darwin', ['sudo', '/dev/bpf']],
  ['freebsd', ['sudo', '/dev/bpf']],
  ['win32', ['administrator']],
])('on %s it names %j', (platform, ways) => {
  const cause = new Error('EPERM');
  const error = noPermission('eth0', 'socket: EPERM', platform, cause);
  expect(error).toMatchObject({ code: 'no-permission', cause });
  expect(error.message).toMatch(/^Capturing on eth0 is not permitted \(socket: EPERM\)\. /);
  for (const way of ways) expect(error.message).toContain(way);
  expect(error.message).not.toMatch(/setcap|\n/);
});
