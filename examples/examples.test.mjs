// The examples as a reader runs them: processes of their own, on a capture, live, and called wrongly.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { needs } from '../test/kit/rights.ts';

const CAPTURE = join(import.meta.dirname, '../test/captures/curl-get-post.pcap');

/**
 * Starts an example and collects what it says.
 * @param {string[]} args
 */
function start(...args) {
  const child = spawn(process.execPath, args, { cwd: import.meta.dirname });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    said.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said.stderr += text;
  });
  const ended = once(child, 'close').then(([code]) => ({ code, ...said }));
  return { child, said, ended };
}

/** A server on a free port of loopback that answers 200. */
async function startServer() {
  const server = createServer((_, response) => void response.end('ok'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
}

test('print-requests shows the requests of a capture', async () => {
  const { code, stdout, stderr } = await start('print-requests.mjs', CAPTURE, '8973').ended;
  expect(stdout.replaceAll(/^\S+:\d+ /gm, '')).toBe(
    [
      'GET 127.0.0.1:8973/first?a=1 (0 body bytes)\n',
      'POST 127.0.0.1:8973/login (8 body bytes)\n',
      'PUT [::1]:8973/put (14 body bytes)\n',
    ].join(''),
  );
  expect([code, stderr]).toEqual([0, '']);
});

test('print-responses shows the responses of a capture with their requests', async () => {
  const { code, stdout, stderr } = await start('print-responses.mjs', CAPTURE).ended;
  const lines = ['["GET","/first?a=1",200,3]', '["POST","/login",200,3]', '["PUT","/put",200,3]'];
  expect(stdout).toBe(lines.map((line) => `${line}\n`).join(''));
  expect([code, stderr]).toEqual([0, '']);
});

test('print-requests shows the requests of an interface', async (context) => {
  needs(context, 'capture');
  const { server, port } = await startServer();
  const { child, said, ended } = start('print-requests.mjs', 'lo', String(port));
  while (!said.stderr.includes('ready')) await once(child.stderr, 'data');
  const [answer] = await once(request({ port, host: '127.0.0.1', path: '/live' }).end(), 'response');
  answer.resume();
  while (!said.stdout.includes('\n')) await once(child.stdout, 'data');
  child.kill('SIGINT');
  const { code, stdout } = await ended;
  server.close();
  expect(stdout).toMatch(new RegExp(`^127.0.0.1:\\d+ GET 127.0.0.1:${port}/live \\(0 body bytes\\)\n$`));
  expect(code).toBe(0);
});

test('replay-pcap sends the requests of a capture to a server', async () => {
  const { server, port } = await startServer();
  const { code, stdout } = await start('replay-pcap.mjs', CAPTURE, '8973', `http://127.0.0.1:${port}`).ended;
  server.close();
  const lines = stdout.trimEnd().split('\n');
  expect(lines.slice(0, 3).sort()).toEqual(['GET /first?a=1 200', 'POST /login 200', 'PUT /put 200']);
  expect(lines.slice(3)).toEqual(['3 of 3 requests were answered']);
  expect(code).toBe(0);
});

test.each([
  [['print-requests.mjs'], 2, /^Usage: /],
  [['print-requests.mjs', 'lo', 'eighty'], 2, /^Usage: /],
  [['print-requests.mjs', 'no-such.pcap'], 1, /no-such\.pcap/],
  [['replay-pcap.mjs', 'x.pcap'], 2, /^Usage: /],
  [['replay-pcap.mjs', 'no-such.pcap', '80', 'http://127.0.0.1:9'], 1, /no-such\.pcap/],
  [['replay-pcap.mjs', 'x.pcap', '80', 'ftp://a'], 1, /ftp/],
])('%j: exit %i and one clear line', async (args, exitCode, message) => {
  const { code, stdout, stderr } = await start(...args).ended;
  expect(stderr).toMatch(message);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect([code, stdout]).toEqual([exitCode, '']);
});
