// Real traffic as a test: the requests of a capture, and some made by hand, go to a server of this process, never more than
// 100 in a second, and every one must be answered well.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { readConnections } from '@gor/capture';
import { capturedRequests, roleOf } from '@gor/http';
import { createReplayer, replayRequest } from '@gor/replay';
import { afterAll, beforeAll, expect, test } from 'vitest';

const CAPTURE = new URL('../../test/captures/curl-get-post.pcap', import.meta.url).pathname;

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
  const replayer = createReplayer({ targets: [`${url}|100`], timeoutMs: 1000 });
  const outcomes = replayer.outcomes(); // from here on
  const read = capturedRequests((onConnection) => readConnections(CAPTURE, { roleOf, onConnection }));
  for await (const request of read) replayer.send(request);
  await replayer.drain();
  await replayer.close();

  const answers = [];
  for await (const { method, requestTarget, status } of outcomes) answers.push(`${method} ${requestTarget} ${status}`);
  expect(answers.sort()).toEqual(['GET /first?a=1 200', 'POST /login 200', 'PUT /put 200']);
  expect(replayer.ledger().targets).toMatchObject([{ received: 3, answered: 3, limited: {}, failed: {}, skipped: {} }]);
});

test('and what nobody asked yet', async ({ signal }) => {
  const replayer = createReplayer({ targets: [url], signal }); // closed where the test runs out of time
  replayer.send(replayRequest({ target: '/first?a=1', headers: { accept: 'text/html' } }));
  replayer.send(replayRequest({ method: 'PATCH', target: '/put', body: '{"a":1}' }));
  const statuses = [];
  for await (const { method, status } of replayer.outcomes()) {
    statuses.push(`${method} ${status}`);
    if (statuses.length === 2) break;
  }
  await replayer.close();
  expect(statuses.sort()).toEqual(['GET 200', 'PATCH 404']);
});
