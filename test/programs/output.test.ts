// Outputs that nobody reads: the programs go on, drain, and end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openUdpSender } from '@gor/wire';
import { afterAll, expect, test } from 'vitest';
import { numberedGet } from '../kit/http-load.ts';
import { programPath, runToEnd } from '../kit/process.ts';
import { RawServer } from '../kit/raw-server.ts';
import { startReplay } from '../live/programs.ts';

const folder = mkdtempSync(join(tmpdir(), 'gor-output-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function sendTo(port: number, count: number): Promise<void> {
  await using sender = await openUdpSender({
    ...{ host: '127.0.0.1', port, onEvent: () => {} },
    totals: () => ({ captured: count, dropped: {} }),
  });
  for (let number = 0; number < count; number++) {
    const payload = Buffer.from(numberedGet(number), 'latin1');
    sender.send({ kind: 'request', timestampUs: 1, connection: number + 1, index: 0, payload });
  }
}

test('a reader of stderr that goes away ends nothing: what comes is replayed and counted', async () => {
  await using staging = await RawServer.start();
  const ledgerFile = join(folder, 'ledger.json');
  const args = [
    '-f',
    `http://127.0.0.1:${staging.port}`,
    '-ip',
    '127.0.0.1',
    '-p',
    '0',
    '--ledger',
    ledgerFile,
    '--verbose',
  ];
  const child = spawn(process.execPath, [programPath('gor-replay'), ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  while (!/listening on \S+:\d+/.test(said)) said += String((await once(child.stderr, 'data'))[0]);
  child.stderr.destroy();
  await sendTo(Number(/listening on \S+:(\d+)/.exec(said)?.[1]), 50);
  await staging.arrived(50);
  child.kill('SIGTERM');
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(JSON.parse(readFileSync(ledgerFile, 'utf8'))).toMatchObject({ targets: [{ received: 50, answered: 50 }] });
});

test('a reader of stderr that takes nothing does not keep a drained program alive', async () => {
  await using staging = await RawServer.start();
  const args = ['-f', `http://127.0.0.1:${staging.port}`, '-ip', '127.0.0.1', '-p', '0', '--verbose'];
  const child = spawn(process.execPath, [programPath('gor-replay'), ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  while (!/listening on \S+:\d+/.test(said)) said += String((await once(child.stderr, 'data'))[0]);
  child.stderr.pause();
  await sendTo(Number(/listening on \S+:(\d+)/.exec(said)?.[1]), 3000);
  await staging.arrived(3000);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
  child.stderr.destroy();
});

test('--buffer 0 drops nothing that may go at once', async () => {
  await using staging = await RawServer.start();
  const replay = await startReplay('-f', `http://127.0.0.1:${staging.port}`, '--buffer', '0');
  await sendTo(replay.port, 20);
  await staging.arrived(20);
  expect((await replay.stop()).targets).toMatchObject([{ received: 20, answered: 20, limited: {} }]);
});

test.each<['gor-replay' | 'gor-listen', string, string[]]>([
  ['gor-replay', '--results', ['-ip', '203.0.113.7', '-p', '0']],
  ['gor-replay', '--ledger', ['-ip', '203.0.113.7', '-p', '0']],
  ['gor-listen', '--ledger', ['--pcap', 'no-such.pcap', '--print']],
])('a start of %s that fails leaves the file of %s as it was', async (program, flag, args) => {
  const file = join(folder, 'precious');
  writeFileSync(file, 'precious\n');
  expect((await runToEnd(program, [...args, flag, file])).code).toBe(1);
  expect(readFileSync(file, 'utf8')).toBe('precious\n');
});

test('a file that is no capture is refused before anything starts', async () => {
  const file = join(folder, 'text');
  writeFileSync(file, 'root:x:0:0:root:/root:/bin/bash\n'.repeat(10));
  const { code, stderr } = await runToEnd('gor-listen', ['--pcap', file, '--quiet']);
  expect(code).toBe(1);
  const wayOut = 'if it is one, convert it: editcap -F pcap IN OUT';
  expect(stderr).toBe(
    `gor-listen: The capture ${file} cannot be read: it does not begin like a capture file; ${wayOut}.\n`,
  );
});
