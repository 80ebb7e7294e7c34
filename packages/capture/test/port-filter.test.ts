import { expect, test } from 'vitest';
import { portFilter } from '../src/index.ts';

test('ports become an expression', () => {
  expect(portFilter([80])).toBe('tcp port 80');
  expect(portFilter([80, 8080])).toBe('tcp port 80 or tcp port 8080');
  expect(portFilter([])).toBe('tcp');
});

test('tags are looked behind last, because each moves the offsets of what follows', () => {
  expect(portFilter([80], { vlan: true })).toBe('tcp port 80 or (vlan and (tcp port 80 or (vlan and (tcp port 80))))');
});
