// gor-listen over captures of real programs, as a user runs it: requests with their responses, and a word about what
// cannot be read.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runToEnd } from '../kit/process.ts';

const capture = (name: string) => join(import.meta.dirname, '../captures', name);
const listen = (name: string, ...args: string[]) => runToEnd('gor-listen', ['--pcap', capture(name), ...args]);

test('--json --responses shows each response behind its request, and which it answers', async () => {
  const { code, stdout } = await listen('answers.pcap', '-p', '8973', '--json', '--responses', '--quiet');
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const shown = lines.map(({ type, index, target, request, status }) =>
    type === 'request' ? `${index} ${target}` : `  ${request} ${status}`,
  );
  expect(shown.slice(0, 6)).toEqual([
    ...['0 /1?size=5000', '  0 200'],
    ...['1 /2?chunked&size=3000', '  1 200'],
    ...['2 /3?chunked&size=9', '  2 200'],
  ]);
  expect(lines.filter(({ isInterim }) => isInterim === true)).toMatchObject([{ status: 103, request: 6 }]);
  expect(code).toBe(0);
});

test('--print --responses likewise, for people', async () => {
  const { stdout } = await listen('curl-get-post.pcap', '-p', '8973', '--print', '--responses', '--quiet');
  const lines = stdout.trimEnd().split('\n');
  expect(lines[0]).toMatch(/ 127\.0\.0\.1:\d+ > 127\.0\.0\.1:8973 GET \/first\?a=1 HTTP\/1\.1$/);
  expect(lines[1]).toMatch(
    / 127\.0\.0\.1:\d+ < 127\.0\.0\.1:8973 HTTP\/1\.1 200 OK \(3 body bytes\) to GET \/first\?a=1$/,
  );
  expect(lines).toHaveLength(6);
});

describe('what a port carries and cannot be read is named', () => {
  test.each<[file: string, said: string[]]>([
    ['tls.pcap', ['port 8973: 2 connections carry TLS, which cannot be read']],
    ['h2c-prior-knowledge.pcap', ['port 8973: 1 connection carries HTTP/2, which cannot be read']],
    [
      'other-protocols.pcap',
      ['SSH', 'SMTP', 'RTSP', 'MQTT'].map((name) => `port 8973: 1 connection carries ${name}, which cannot be read`),
    ],
    ['keep-alive.pcap', []],
  ])('%s', async (file, said) => {
    const { code, stderr } = await listen(file, '-p', '8973', '--print', '--quiet');
    const lines = stderr.split('\n').filter((line) => line.includes('cannot be read'));
    expect(lines).toEqual(said.map((line) => `gor-listen: ${line}`));
    expect(code).toBe(0);
  });

  test('not where every port is watched', async () => {
    const { stderr } = await listen('tls.pcap', '-p', 'any', '--print', '--quiet');
    expect(stderr).toBe('');
  });
});
