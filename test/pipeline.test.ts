// The whole way in one process, without any right to capture: a capture file through listen(), over real UDP, through
// replay(), to a real server. Proves that the libraries fit, and that both are functions that people can import.
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ListenConfig, type ListenLedger, listen } from 'gor-listen';
import { type ReplayConfig, type ReplayEvent, type ReplayLedger, type ReplayStage, replay } from 'gor-replay';
import { expect, test } from 'vitest';
import { RawServer } from './kit/raw-server.ts';

const CAPTURE = join(import.meta.dirname, 'captures/curl-get-post.pcap');

const listenConfig: ListenConfig = {
  source: { kind: 'file', path: CAPTURE, speed: Number.POSITIVE_INFINITY },
  ports: [8973],
  filter: undefined,
  direction: 'both',
  replay: undefined,
  maxBodyBytes: 1_000_000,
};

function replayConfig(port: number): ReplayConfig {
  return {
    host: '127.0.0.1',
    port: 0,
    targets: [{ url: `http://127.0.0.1:${port}` }],
    bufferMs: 1000,
    timeoutMs: 5000,
    connections: 10,
    forwarder: 'exact',
    originalHost: false,
    insecure: false,
    mark: true,
    keepOrder: true,
    sessions: false,
    resultsFile: undefined,
    circuit: true,
  };
}

/** Starts a replay server and gives its port; ends it when the returned function is called. */
async function startReplay(
  config: ReplayConfig,
  stages: readonly ReplayStage[] = [],
): Promise<{ port: number; end: () => Promise<ReplayLedger> }> {
  const stop = new AbortController();
  let tell: (address: string) => void = () => {};
  const ready = new Promise<string>((resolve) => {
    tell = resolve;
  });
  const onEvent = (event: ReplayEvent) => {
    if (event.type === 'ready') tell(event.address);
  };
  const ended = replay(config, { signal: stop.signal, stages, onEvent });
  const address = await Promise.race([ready, ended.then(() => Promise.reject(new Error('ended at once')))]);
  const end = () => {
    stop.abort();
    return ended;
  };
  return { port: Number(address.split(':').at(-1)), end };
}

test('a capture file reaches a server through both functions', async () => {
  await using staging = await RawServer.start();
  const server = await startReplay(replayConfig(staging.port));
  const targets: string[] = [];
  const events: string[] = [];
  const listened: ListenLedger = await listen(
    { ...listenConfig, replay: [{ host: '127.0.0.1', port: server.port }] },
    {
      onEvent: (event) => events.push(event.type === 'replay-server' ? event.news.type : event.type),
      onRequest: ({ request, connection }) => targets.push(`${connection.id} ${request.target}`) > 0,
    },
  );
  await staging.arrived(3);
  const replayed = await server.end();

  expect(targets).toEqual(['1 /first?a=1', '1 /login', '2 /put']);
  expect(events).toEqual(['ready', 'receiving']);
  expect(listened).toMatchObject({ captured: 3, sent: 3, dropped: {} });
  expect(replayed.sessions).toMatchObject([{ sent: 3, received: 3, lost: 0, beforeStart: 0, rejected: {} }]);
  expect(replayed.targets).toMatchObject([{ received: 3, answered: 3, limited: {}, failed: {}, skipped: {} }]);
  expect(staging.requests.map(({ method, target, bodyBytes }) => `${method} ${target} ${bodyBytes}`).sort()).toEqual([
    'GET /first?a=1 0',
    'POST /login 8',
    'PUT /put 14',
  ]);
});

test('stages on both sides leave requests out, each counted under its reason', async () => {
  await using staging = await RawServer.start();
  const server = await startReplay(replayConfig(staging.port), [
    (request) => (request.method === 'PUT' ? 'no-put' : request),
  ]);
  const listened = await listen(
    { ...listenConfig, replay: [{ host: '127.0.0.1', port: server.port }] },
    { stages: [(captured) => (captured.request.method === 'GET' ? 'no-get' : captured)] },
  );
  await staging.arrived(1);
  const replayed = await server.end();

  expect(listened).toMatchObject({ captured: 3, sent: 2, dropped: { 'no-get': 1 } });
  expect(replayed.sessions).toMatchObject([{ received: 2, rejected: { 'no-put': 1 } }]);
  expect(replayed.targets).toMatchObject([{ received: 1, answered: 1 }]);
});

test('what a stage before the replay changes is what staging gets, and nothing of the captured bytes', async () => {
  await using staging = await RawServer.start();
  const masked = new TextEncoder().encode('masked');
  const server = await startReplay(replayConfig(staging.port), [
    (request) => (request.method === 'GET' ? { ...request, headers: ['Host', 'h', 'X-Masked', 'yes'] } : request),
    (request) => (request.method === 'POST' ? { ...request, body: masked } : request),
    (request) => (request.method === 'PUT' ? { ...request, index: 7 } : request),
  ]);
  await listen({ ...listenConfig, replay: [{ host: '127.0.0.1', port: server.port }] });
  await staging.arrived(3);
  await server.end();

  const [get, post, put] = ['GET', 'POST', 'PUT'].map((name) => staging.requests.find(({ method }) => method === name));
  expect(get?.headers).toEqual(['Host', `127.0.0.1:${staging.port}`, 'X-Masked', 'yes', 'Gor-Replayed', '1']);
  expect(post?.bodySha256).toBe(createHash('sha256').update(masked).digest('hex'));
  expect(put?.bodyBytes).toBe(14);
});

test('a request that could not be shown is counted: dropped where it is not sent either', async () => {
  const listened = await listen(listenConfig, { onRequest: ({ request }) => request.method !== 'PUT' });
  expect(listened).toMatchObject({ captured: 3, sent: 2, notShown: 1, dropped: { 'not-shown': 1 } });
});

test('an abort ends a listener that plays a long pause, and it counts what it has', async () => {
  const stop = new AbortController();
  const slow = { ...listenConfig, source: { kind: 'file', path: CAPTURE, speed: 0.0001 } } as const;
  const listened = await listen(slow, {
    signal: stop.signal,
    onEvent: (event) => {
      if (event.type === 'ready') stop.abort(); // the playback already waits for its second frame
    },
  });
  expect(listened.captured).toBeLessThan(3);
});

test('a capture file that is cut gives all that came before, then says so', async () => {
  const bytes = readFileSync(CAPTURE);
  const folder = mkdtempSync(join(tmpdir(), 'gor-cut-'));
  const path = join(folder, 'cut.pcap');
  writeFileSync(path, bytes.subarray(0, bytes.length - 5));
  const seen: string[] = [];
  const cut = { ...listenConfig, source: { kind: 'file', path, speed: Number.POSITIVE_INFINITY } } as const;
  const failures: unknown[] = [];
  const listened = await listen(cut, {
    onRequest: ({ request }) => seen.push(request.target) > 0,
    onEvent: (event) => {
      if (event.type === 'failed') failures.push(event.error);
    },
  });
  rmSync(folder, { recursive: true });
  expect(seen).toEqual(['/first?a=1', '/login', '/put']);
  expect(failures).toMatchObject([{ code: 'broken-capture' }]);
  expect(listened).toMatchObject({ captured: 3, failure: expect.stringContaining('ends within a frame') });
});
