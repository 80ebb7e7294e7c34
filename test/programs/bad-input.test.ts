// What bad input gets: one or two clear lines on stderr, the right exit code, nothing on stdout, never a stack.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runToEnd } from '../kit/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'gor-bad-input-'));
const socket = createSocket('udp4');
let takenPort = 0;

beforeAll(async () => {
  writeFileSync(join(folder, 'garbage.pcap'), 'this is no capture file at all, not even nearly one');
  writeFileSync(join(folder, 'empty.pcap'), '');
  writeFileSync(join(folder, 'day.pcap.zst'), Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 4, 0));
  writeFileSync(join(folder, 'headless.pcap.gz'), Uint8Array.of(0x1f, 0x8b, 7, 0, 0, 0));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  takenPort = socket.address().port;
});

afterAll(() => {
  socket.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.concurrent('refused before anything starts', () => {
  test.each<[exitCode: number, program: 'gor-listen' | 'gor-replay' | 'gor', args: string[], message: string]>([
    [2, 'gor-listen', ['--prot', '80'], 'unknown flag --prot; did you mean --port?'],
    [2, 'gor-listen', ['-p', '0'], '--port: "0" is not a port'],
    [2, 'gor-listen', ['-p', '80,eighty'], '--port: "eighty" is not a port'],
    [2, 'gor-listen', ['-r', 'http://replay'], '--replay: "http://replay" is not host[:port]'],
    [2, 'gor-listen', ['-r', 'replay:99999'], '--replay: "99999" is not a port'],
    [2, 'gor-listen', ['--direction', 'sideways'], '--direction: "sideways" is none of in, out, both'],
    [2, 'gor-listen', ['--engine', 'steam'], '--engine: "steam" is none of'],
    [2, 'gor-listen', ['--max-body', 'huge'], '--max-body: "huge" is not a size'],
    [2, 'gor-listen', ['--max-body', '13mb'], '--max-body: "13mb" is over 12 MB'],
    [2, 'gor-listen', ['--speed', '2'], '--speed goes with --pcap'],
    [2, 'gor-listen', ['--pcap', 'x', '--speed', '0'], '--speed: "0" is neither'],
    [2, 'gor-listen', ['--pcap', 'x', '-i', 'lo'], '--interface is for live capture'],
    [2, 'gor-listen', ['--print', '--json'], '--print and --json exclude each other'],
    [2, 'gor-listen', ['-i', 'any,lo'], 'any already takes in the others'],
    [2, 'gor-listen', ['stray'], '"stray" belongs to no flag'],
    [1, 'gor-listen', ['--pcap', 'no-such.pcap'], 'no-such.pcap'],
    [1, 'gor-listen', ['--pcap', '/'], '/'],
    [1, 'gor-listen', ['--pcap', 'GARBAGE'], 'garbage.pcap'],
    [1, 'gor-listen', ['--pcap', 'EMPTY'], 'empty.pcap'],
    [1, 'gor-listen', ['--pcap', 'ZSTD'], 'compressed with zstd; uncompress it: zstd -dc FILE'],
    [1, 'gor-listen', ['--pcap', 'HEADLESS'], 'the header of its compressed data is damaged'],
    [1, 'gor-listen', ['-r', 'no.such.host.invalid'], 'no.such.host.invalid'],
    [
      1,
      'gor-listen',
      ['--pcap', 'x', '--ledger', '/no/such/folder/ledger.json'],
      '--ledger: cannot write /no/such/folder',
    ],
    [2, 'gor-replay', ['-f', 'http://staging|ten'], 'http://staging|ten'],
    [2, 'gor-replay', ['-f', 'http://staging|-1'], 'http://staging|-1'],
    [2, 'gor-replay', ['-f', 'http://staging|0'], 'http://staging|0'],
    [2, 'gor-replay', ['-f', 'http://staging|'], 'http://staging|'],
    [2, 'gor-replay', ['-f', 'http://staging|101%'], 'http://staging|101%'],
    [2, 'gor-replay', ['-f', 'ftp://staging'], 'ftp'],
    [2, 'gor-replay', ['-f', 'http://'], 'http://'],
    [2, 'gor-replay', ['-f', 'http://a,,http://b'], '--forward'],
    [2, 'gor-replay', ['-p', 'any'], '--port: "any" is not a port'],
    [2, 'gor-replay', ['--buffer', '1 fortnight'], '--buffer: "1 fortnight" is not a duration'],
    [2, 'gor-replay', ['--timeout', '0'], '--timeout: "0" leaves no time'],
    [2, 'gor-replay', ['--connections', '0'], '--connections: "0" is not a whole number'],
    [2, 'gor-replay', ['--stats-interval', '1ms'], '--stats-interval'],
    [1, 'gor-replay', ['-ip', '203.0.113.7', '-p', '0'], '203.0.113.7'],
    [1, 'gor-replay', ['-ip', '127.0.0.1', '-p', 'TAKEN'], 'TAKEN'],
    [1, 'gor-replay', ['-p', '0', '--results', '/no/such/folder/results'], '--results: cannot write /no/such/folder'],
    [2, 'gor', ['lisen'], 'unknown command lisen; did you mean listen?'],
    [2, 'gor', ['listen', '-x'], 'unknown flag -x'],
  ])('exit %i: %s %j', async (exitCode, program, args, message) => {
    const given = args.map((arg) => substituted(arg));
    const { code, stdout, stderr } = await runToEnd(program, given);
    expect(stderr).toContain(substituted(message));
    expect(code).toBe(exitCode);
    expect(stdout).toBe('');
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

test('an unknown variable of the environment is refused, the nearest named', async () => {
  const { code, stderr } = await runToEnd('gor-listen', [], { GOR_LISTEN_PROT: '80' });
  expect(stderr).toContain('GOR_LISTEN_PROT is no flag of this program; did you mean GOR_LISTEN_PORT?');
  expect(code).toBe(2);
});

test.each(['gor-listen', 'gor-replay'] as const)('%s -h names every flag, --version the version', async (program) => {
  const help = await runToEnd(program, ['-h']);
  expect(help.code).toBe(0);
  for (const flag of ['--port', '--ledger', '--stats-interval', '--verbose', '--quiet', '-h', '--version']) {
    expect(help.stdout).toContain(flag);
  }
  const version = await runToEnd(program, ['--version']);
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test.each(['listen', 'replay'])('gor %s -h is the same help under its own name', async (command) => {
  const { code, stdout } = await runToEnd('gor', [command, '-h']);
  expect(code).toBe(0);
  expect(stdout).toContain(`Usage: gor ${command} [options]`);
});

function substituted(text: string): string {
  return text
    .replace('GARBAGE', join(folder, 'garbage.pcap'))
    .replace('ZSTD', join(folder, 'day.pcap.zst'))
    .replace('HEADLESS', join(folder, 'headless.pcap.gz'))
    .replace('EMPTY', join(folder, 'empty.pcap'))
    .replace('TAKEN', String(takenPort));
}
