import { expect, test } from 'vitest';
import { capOpenError } from '../src/sources/cap-module.ts';

// libpcap's own words, as seen on Linux and macOS.
test.each([
  ['socket: Operation not permitted', 'no-permission'],
  ["You don't have permission to capture on that device", 'no-permission'],
  ['Attempt to create packet socket failed - CAP_NET_RAW may be required', 'no-permission'],
  ['(cannot open BPF device) /dev/bpf0: Permission denied', 'no-permission'],
  ["can't parse filter expression: syntax error", 'bad-filter'],
  ['no VLAN support for Linux cooked v1', 'bad-filter'],
  ['That device is not up', 'capture-failed'],
  ["can't mmap rx ring: Cannot allocate memory", 'capture-failed'],
])('"%s" is %s', (reason, code) => {
  const cause = new Error(reason);
  expect(capOpenError(cause, 'eth0', 'tcp')).toMatchObject({ code, cause, message: expect.stringContaining(reason) });
});
