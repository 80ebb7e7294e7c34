// Real traffic as a test: the requests of a capture go to a server of this process, and every one must be answered well.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createReplayer } from '@gor/replay';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requestsOf } from '../requests-of.mjs';

const CAPTURE = new URL('../../test/captures/curl-get-post.pcap', import.meta.url).pathname;
const CAPTURED_PORT = 8973;

const server = createServer((request, response) => {
  const known = ['GET /first?a=1', 'POST /login', 'PUT /put'];
  request.resume().on('end', () => {
    response.statusCode = known.includes(`${request.method} ${request.url}`) ? 200 : 404;
    response.end('ok');
  });
});
let url = '';

beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (typeof address === 'object' && address !== null) url = `http://127.0.0.1:${address.port}`;
});

afterAll(() => new Promise((resolve) => server.close(resolve)));

test('the server answers what real clients asked', async () => {
  const replayer = createReplayer({ targets: [url], timeoutMs: 1000 });
  const outcomes = replayer.outcomes(); // from here on
  for await (const request of requestsOf(CAPTURE, CAPTURED_PORT)) replayer.send(request);
  await replayer.drain();
  await replayer.close();

  const answers = [];
  for await (const { method, requestTarget, status } of outcomes) answers.push(`${method} ${requestTarget} ${status}`);
  expect(answers.sort()).toEqual(['GET /first?a=1 200', 'POST /login 200', 'PUT /put 200']);
  expect(replayer.ledger().targets).toMatchObject([{ received: 3, answered: 3, limited: {}, failed: {}, skipped: {} }]);
});
