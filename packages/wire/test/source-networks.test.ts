import { expect, test } from 'vitest';
import { SourceNetworks } from '../src/source-networks.ts';

test.each([
  { networks: ['10.0.0.0/8'], address: '10.1.2.3', isIn: true },
  { networks: ['10.0.0.0/8'], address: '11.1.2.3', isIn: false },
  { networks: ['10.0.0.0/8'], address: '::ffff:10.1.2.3', isIn: true },
  { networks: ['::ffff:10.0.0.0/104'], address: '10.1.2.3', isIn: true },
  { networks: ['192.0.2.1', '::1'], address: '::1', isIn: true },
  { networks: ['192.0.2.1', '::1'], address: '192.0.2.1', isIn: true },
  { networks: ['192.0.2.1', '::1'], address: '192.0.2.2', isIn: false },
  { networks: ['fe80::/10'], address: 'fe80::1%eth0', isIn: true },
  { networks: ['::/0'], address: '10.0.0.1', isIn: false },
  { networks: ['0.0.0.0/0'], address: '10.0.0.1', isIn: true },
  { networks: [], address: '10.0.0.1', isIn: false },
])('$address is in $networks: $isIn, asked twice', ({ networks, address, isIn }) => {
  const list = new SourceNetworks(networks);
  expect([list.has(address), list.has(address)]).toEqual([isIn, isIn]);
});

test.each(['', 'host', '10.0.0.0/33', '::1/129', '10.0.0.0/', '10.0.0/8', '::ffff:10.0.0.0/8', 'fe80::1%eth0'])(
  '%s is no network',
  (network) => {
    expect(() => new SourceNetworks([network])).toThrow(TypeError);
  },
);
