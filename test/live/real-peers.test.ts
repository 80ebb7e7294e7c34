// With what users have: nginx as production and as staging, curl and wrk as clients, tcpdump as the source of captures.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { programPath } from '../kit/process.ts';
import { RawServer } from '../kit/raw-server.ts';
import { needs } from '../kit/rights.ts';
import { Nginx } from './peers.ts';
import { expectBalance, expectReplayBalance, startListen, startReplay, sum } from './programs.ts';

test('what curl sends to one nginx reaches another', async (context) => {
  needs(context, 'capture', 'nginx', 'curl');
  await using production = await Nginx.start();
  await using staging = await Nginx.start();
  const replay = await startReplay('-f', `http://127.0.0.1:${staging.port}/base`);
  const listen = await startListen('-p', String(production.port), '-r', `127.0.0.1:${replay.port}`);
  const folder = mkdtempSync(join(tmpdir(), 'gor-curl-'));
  const url = `http://127.0.0.1:${production.port}`;

  writeFileSync(join(folder, 'upload'), Buffer.alloc(3_000_000, 'upload '));
  curl(`${url}/plain?a=b&c=%20d`);
  curl('-I', `${url}/head`);
  curl('-d', 'user=ann', `${url}/form`);
  curl('-X', 'PUT', '-H', 'Content-Type: application/json', '-d', '{"a":1}', `${url}/json`);
  curl('-T', join(folder, 'upload'), `${url}/upload`); // with Expect: 100-continue
  curl('-H', 'Transfer-Encoding: chunked', '-d', 'x'.repeat(50_000), `${url}/chunked`);
  curl('--http1.0', `${url}/old`);
  curl(`${url}/first`, `${url}/second`); // one connection
  rmSync(folder, { recursive: true, force: true });

  const expected = production.lines;
  expect(expected).toHaveLength(9);
  await lines(staging, expected.length);
  expectBalance(await listen.stop(), await replay.stop());
  const withoutBase = staging.lines.map((line) => line.replace(' /base/', ' /'));
  expect(withoutBase.sort()).toEqual(expected.sort());
});

test('at full speed of wrk nothing is lost without a count', async (context) => {
  needs(context, 'capture', 'nginx', 'wrk');
  await using production = await Nginx.start();
  await using staging = await Nginx.start();
  const replay = await startReplay('-f', `http://127.0.0.1:${staging.port}`);
  const listen = await startListen('-p', String(production.port), '-r', `127.0.0.1:${replay.port}`);

  const wrk = execFileSync('wrk', ['-t1', '-c16', '-d3s', `http://127.0.0.1:${production.port}/load`], {
    encoding: 'utf8',
  });
  const listened = await listen.stop();
  const replayed = await replay.stop();

  const produced = production.lines.length;
  console.log(`${produced} requests in 3 s; wrk: ${/Requests\/sec:\s+(\S+)/.exec(wrk)?.[1]}/s`);
  console.log(`captured ${listened.captured}, sent ${listened.sent}, dropped ${JSON.stringify(listened.dropped)}`);
  console.log(`targets ${JSON.stringify(replayed.targets)}`);
  expectBalance(listened, replayed);
  const [session] = replayed.sessions;
  const [target] = replayed.targets;
  expect(target?.received).toBe(session?.received);
  expect(staging.lines.length).toBeGreaterThanOrEqual(target!.answered);
  // What wrk had under way when it stopped may be begun and not whole.
  const lostInCapture = produced - listened.captured;
  console.log(
    `not seen by the capture: ${lostInCapture}, gap bytes ${listened.connections.gapBytes}, kernel drops ${listened.frames.kernelDrops}`,
  );
  expect(lostInCapture).toBeLessThanOrEqual(0);
  expect(listened.frames.kernelDrops).toBe(0);
});

test('tcpdump to stdin: every request of the capture arrives', async (context) => {
  needs(context, 'capture', 'tcpdump', 'nginx', 'curl');
  await using production = await Nginx.start();
  await using staging = await RawServer.start();
  const replay = await startReplay('-f', `http://127.0.0.1:${staging.port}`);
  const args = `--pcap - -p ${production.port} -r 127.0.0.1:${replay.port} --ledger - --quiet`;
  const tcpdump = `tcpdump -i lo -U -w - -s 0 tcp port ${production.port} & read line; kill $!; wait`;
  const command = `{ ${tcpdump}; } | "${process.execPath}" "${programPath('gor-listen')}" ${args}`;
  const pipeline = spawn('sh', ['-c', command], { stdio: 'pipe' });
  await once(pipeline.stderr, 'data'); // tcpdump says what it listens on
  let printed = '';
  pipeline.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });

  for (let number = 0; number < 5; number++) curl(`http://127.0.0.1:${production.port}/${number}`);
  await staging.arrived(5);
  pipeline.stdin.end('enough\n');
  const [code] = await once(pipeline, 'close');

  expect(code).toBe(0);
  const listened = JSON.parse(printed) as { captured: number; sent: number; dropped: Record<string, number> };
  expect(listened).toMatchObject({ captured: 5, sent: 5 });
  expect(sum(listened.dropped)).toBe(0);
  expectReplayBalance(await replay.stop());
  expect(staging.requests.map(({ target }) => target)).toEqual(['/0', '/1', '/2', '/3', '/4']);
});

function curl(...args: string[]): void {
  execFileSync('curl', [
    '-s',
    '-o',
    '/dev/null',
    ...args.flatMap((arg, at) =>
      at > 0 && arg.startsWith('http') && args[at - 1]!.startsWith('http') ? ['-o', '/dev/null', arg] : [arg],
    ),
  ]);
}

async function lines(nginx: Nginx, count: number): Promise<void> {
  const deadlineMs = performance.now() + 10_000;
  while (nginx.lines.length < count) {
    if (performance.now() > deadlineMs) throw new Error(`${nginx.lines.length} of ${count} requests in the access log`);
    await new Promise((resolve) => void setTimeout(resolve, 20));
  }
}
