// When a protocol that cannot be read is worth a line.
import { expect, test } from 'vitest';
import { ProtocolNotices } from '../src/protocol-notices.ts';

function noted(...notes: [port: number, protocol: string, times: number][]) {
  const notices = new ProtocolNotices();
  const note = (port: number, protocol: string, times: number) => {
    for (let time = 0; time < times; time++) notices.note(port, protocol);
    return [...notices.take()].map((notice) => `${notice.port} ${notice.protocol} ${notice.connections}`);
  };
  return notes.map(([port, protocol, times]) => note(port, protocol, times));
}

test('is said with its count, and again when there are ten times as many', () => {
  expect(noted([443, 'tls', 3], [443, 'tls', 26], [443, 'tls', 1], [443, 'tls', 0])).toEqual([
    ['443 tls 3'],
    [],
    ['443 tls 30'],
    [],
  ]);
});

test('each port and each protocol has its own count', () => {
  expect(noted([443, 'tls', 1], [80, 'tls', 1], [80, 'http2', 2])).toEqual([
    ['443 tls 1'],
    ['80 tls 1'],
    ['80 http2 2'],
  ]);
});

test('no more than 64 are kept', () => {
  const notices = new ProtocolNotices();
  for (let port = 1; port <= 1000; port++) notices.note(port, 'tls');
  expect([...notices.take()]).toHaveLength(64);
});
