// Keys as users have them: made by gor key, kept in a file, given to both programs, changed while they run, and wrong ones.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openUdpSender, type UdpSender } from '@gor/wire';
import { afterAll, describe, expect, test } from 'vitest';
import { numberedGet } from '../kit/http-load.ts';
import { programPath, runToEnd } from '../kit/process.ts';
import { RawServer } from '../kit/raw-server.ts';
import { expectBalance, startReplay, sum } from '../live/programs.ts';

const folder = mkdtempSync(join(tmpdir(), 'gor-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

/** A key file with these keys, or with a new one. */
function keyFile(...keys: readonly string[]): string {
  files += 1;
  const path = join(folder, `key-${files}`);
  writeFileSync(path, keys.length === 0 ? newKey() : keys.join('\n'), { mode: 0o600 });
  return path;
}

function newKey(): string {
  return spawnSync(process.execPath, [programPath('gor'), 'key'], { encoding: 'utf8' }).stdout.trim();
}

function bytesOf(key: string): Uint8Array {
  return Uint8Array.from(Buffer.from(key, 'hex'));
}

/** A sender as the listener has one. */
function senderTo(port: number, key?: string): Promise<UdpSender> {
  return openUdpSender({
    ...{ host: '127.0.0.1', port, totals: () => ({ captured: 0, dropped: {} }), onEvent: () => {} },
    ...(key === undefined ? {} : { key: bytesOf(key) }),
  });
}

function send(sender: UdpSender, number: number): void {
  const payload = Buffer.from(numberedGet(number), 'latin1');
  sender.send({ kind: 'request', timestampUs: Date.now() * 1000, connection: number + 1, index: 0, payload });
}

const playing = ['--pcap', 'test/captures/curl-get-post.pcap', '-p', '8973', '--speed', 'max'];

test('with one key on both sides every request arrives, and neither says that they travel readable', async () => {
  await using staging = await RawServer.start();
  const key = keyFile();
  const replay = await startReplay('-f', `http://127.0.0.1:${staging.port}`, '--key-file', key);
  const ledgerFile = join(folder, 'listen.json');
  const args = [...playing, '-r', `127.0.0.1:${replay.port}`, '--key-file', key, '--ledger', ledgerFile];
  const { code, stderr } = await runToEnd('gor-listen', args);
  await staging.arrived(3);
  const ledger = await replay.stop();
  expect(code).toBe(0);
  const listened = JSON.parse(readFileSync(ledgerFile, 'utf8'));
  expectBalance(listened, ledger);
  expect(ledger.sessions).toMatchObject([{ isSealed: true, sent: 3, received: 3, lost: 0 }]);
  expect(stderr).toMatch(/sealed with the key [0-9a-f]{4};/);
  expect(stderr).toMatch(/replay server 127\.0\.0\.1:\d+: receiving, nothing lost/);
  expect(stderr + replay.program.stderr).not.toContain('travel readable');
  const [, id] = /sealed with the key ([0-9a-f]{4})/.exec(stderr) ?? [];
  expect(replay.program.stderr).toContain(`for who has the key ${id}`);
});

test('without a key on loopback nothing is said of it; on other addresses the replay server says it once', async () => {
  const near = await startReplay('-f', 'http://127.0.0.1:9');
  await near.stop();
  expect(near.program.stderr).not.toContain('travel readable');
  const far = await startReplay('-f', 'http://127.0.0.1:9', '-ip', '0.0.0.0');
  await far.stop();
  expect(far.program.stderr.match(/requests \(cookies, tokens\) travel readable/g)).toHaveLength(1);
});

test('another key, or none: the replay server says so in one line for each, and delivers nothing', async () => {
  await using staging = await RawServer.start();
  const [ours, theirs] = [newKey(), newKey()];
  const replay = await startReplay('-f', `http://127.0.0.1:${staging.port}`, '--key-file', keyFile(ours));
  await using sender = await senderTo(replay.port, theirs);
  for (let number = 0; number < 20; number++) send(sender, number);
  await replay.program.ready(
    /datagrams? refused, the last from 127\.0\.0\.1:\d+: sealed with a key that is not in the file/,
  );
  await using readable = await senderTo(replay.port);
  for (let number = 0; number < 20; number++) send(readable, number);
  await readable.drain();
  const ledger = await replay.stop();
  expect(replay.program.stderr.match(/refused/g)).toHaveLength(2); // a line a minute for each reason and source
  expect(ledger.sessions).toEqual([]);
  expect(Object.keys(ledger.wire.rejectedDatagrams).sort()).toEqual(['not-sealed', 'unknown-key']);
  expect(sum(ledger.wire.rejectedDatagrams)).toBeGreaterThan(20);
  expect(staging.count).toBe(0);
});

test('keys change while it runs: the old one stays valid until it is taken out, a bad file changes nothing', async () => {
  await using staging = await RawServer.start();
  const [old, next] = [newKey(), newKey()];
  const file = keyFile(old);
  const replay = await startReplay('-f', `http://127.0.0.1:${staging.port}`, '--key-file', file);
  const hangUp = async (content: string, said: RegExp): Promise<void> => {
    writeFileSync(file, content);
    replay.program.signal('SIGHUP');
    await replay.program.ready(said);
  };
  await using first = await senderTo(replay.port, old);
  send(first, 1);
  await staging.arrived(1);

  await hangUp(`${old}\n${next}\n`, /SIGHUP: read .* again; valid from now on: [0-9a-f]{4}, [0-9a-f]{4}/);
  await using second = await senderTo(replay.port, next);
  send(first, 2);
  send(second, 3);
  await staging.arrived(3);

  await hangUp('half a key', /SIGHUP: --key-file: .* has no key in line 1: .*; the keys that were valid stay so/);
  chmodSync(file, 0o644);
  await hangUp(next, /SIGHUP: .* chmod 600 .*; the keys that were valid stay so/);
  send(first, 4);
  send(second, 5);
  await staging.arrived(5);

  chmodSync(file, 0o600);
  await hangUp(next, /SIGHUP: read .* again; valid from now on: [0-9a-f]{4}\n/);
  send(first, 6);
  send(second, 7);
  await staging.arrived(6);
  await replay.program.ready(/datagrams? refused, .*: sealed with a key that is not in the file here/);
  const ledger = await replay.stop();
  expect(staging.count).toBe(6);
  expect(ledger.sessions.map(({ received }) => received).sort()).toEqual([3, 3]);
});

describe('a key file that cannot be used ends both programs before anything starts', () => {
  test.each(['gor-listen', 'gor-replay'] as const)('%s', async (program) => {
    const open = keyFile();
    chmodSync(open, 0o644);
    const args = program === 'gor-listen' ? [...playing, '-r', '127.0.0.1:9'] : ['-p', '0', '-ip', '127.0.0.1'];
    for (const [path, problem] of [
      [open, `may be read or written by others: chmod 600 ${open}`],
      [join(folder, 'nothing'), 'cannot be read (ENOENT)'],
      [folder, 'is no regular file'],
    ] as const) {
      const { code, stdout, stderr } = await runToEnd(program, [...args, '--key-file', path]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toBe(`${program}: --key-file: ${path} ${problem}\nTry: ${program} --help\n`);
    }
  });

  test('where nothing is sent, the listener does not read it', async () => {
    const { code } = await runToEnd('gor-listen', [...playing, '--print', '--key-file', join(folder, 'nothing')]);
    expect(code).toBe(0);
  });
});
