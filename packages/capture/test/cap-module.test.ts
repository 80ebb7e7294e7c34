import { expect, test } from 'vitest';
import { capOpenError, noCapText } from '../src/sources/cap-module.ts';

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

// What require throws without the package, and without its compiled part: `--ignore-scripts`, and npm 12.
test.each<[string, string, string, RegExp[]]>([
  [
    'not installed',
    "Cannot find module 'cap'",
    'darwin',
    [/optional peer that is not installed: npm install cap, with -g/, /xcode-select/],
  ],
  [
    'installed, not compiled',
    "Cannot find module '../build/Release/cap.node'",
    'linux',
    [/installed but does not load/, /libpcap-dev/, /npm approve-scripts cap/],
  ],
  ['for another system', 'invalid ELF header', 'linux', [/invalid ELF header/, /npm rebuild cap/]],
  ['Windows', "Cannot find module 'cap'", 'win32', [/Npcap/]],
  ['a system with no words of its own', "Cannot find module 'cap'", 'openbsd', [/headers of libpcap/]],
])('cap %s: what to do', (_, reason, platform, says) => {
  const text = noCapText(new Error(`${reason}\nRequire stack:\n- /somewhere`), platform);
  for (const pattern of says) expect(text).toMatch(pattern);
  expect(text).not.toContain('\n');
});
