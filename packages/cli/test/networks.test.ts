// Networks as people type them, and which addresses stay on the machine.
import { describe, expect, test } from 'vitest';
import { isLoopback, isOneMachine, parseNetworks, UsageError } from '../src/index.ts';

describe('networks', () => {
  test.each<[text: string, networks: string[]]>([
    ['10.0.0.0/8', ['10.0.0.0/8']],
    ['192.0.2.7', ['192.0.2.7']],
    ['10.0.0.0/8, 2001:db8::/32,::1', ['10.0.0.0/8', '2001:db8::/32', '::1']],
    ['0.0.0.0/0,::/0', ['0.0.0.0/0', '::/0']],
    ['::ffff:10.0.0.1', ['::ffff:10.0.0.1']],
    ['::ffff:10.0.0.0/104', ['::ffff:10.0.0.0/104']],
    ['10.0.0.1,10.0.0.1', ['10.0.0.1']],
  ])('%s', (text, networks) => {
    expect(parseNetworks('--from', text)).toEqual(networks);
  });

  test.each([
    ...['10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/8/8', '10.0.0', '010.0.0.1', '10.0.0.256'],
    ...[
      '::ffff:10.0.0.0/8',
      'fe80::1%eth0',
      'listener.local',
      '10.0.0.0/255.0.0.0',
      '10.0.0.1:28020',
      '[::1]',
      '10.0.0.0/8,',
      '',
    ],
  ])('%j is refused, the flag named', (text) => {
    expect(() => parseNetworks('--from', text)).toThrow(UsageError);
    expect(() => parseNetworks('--from', text)).toThrow('--from: "');
  });
});

test.each<[address: string, isIt: boolean]>([
  ['127.0.0.1', true],
  ['127.8.9.10', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['0.0.0.0', false],
  ['::', false],
  ['10.127.0.1', false],
  ['1.127.0.0', false],
  ['::ffff:10.0.0.1', false],
  ['localhost', false],
  ['127.evil.example', false],
])('%s is loopback: %s', (address, isIt) => {
  expect(isLoopback(address)).toBe(isIt);
});

test.each<[host: string, isIt: boolean]>([
  ['192.0.2.7', true],
  ['127.0.0.1', true],
  ['2001:db8::1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['255.255.255.255', false],
  ['224.0.0.1', false],
  ['239.1.2.3', false],
  ['ff02::1', false],
  ['::ffff:224.0.0.1', false],
])('%s may be one machine: %s', (host, isIt) => {
  expect(isOneMachine(host)).toBe(isIt);
});
