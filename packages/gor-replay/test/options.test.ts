// From the command line and the environment to the replay server's configuration.
import { readFlags } from '@gor/cli';
import { describe, expect, test } from 'vitest';
import { configureReplay, replayProgram } from '../src/index.ts';

async function configured(line: string, environment: Record<string, string> = {}) {
  const values = await readFlags(replayProgram('gor-replay'), line === '' ? [] : line.split(' '), environment);
  if ('show' in values) throw new Error(values.show);
  return configureReplay(values);
}

test('without flags: every default of the help', async () => {
  expect(await configured('')).toMatchObject({
    host: '0.0.0.0',
    port: 28_020,
    targets: [{ url: 'http://localhost:8080' }],
    bufferMs: 1000,
    timeoutMs: 5000,
    connections: 512,
    originalHost: false,
    insecure: false,
    mark: true,
    keepOrder: true,
    forwarder: 'exact',
    resultsFile: undefined,
    circuit: true,
    from: undefined,
    keyFile: undefined,
    delayMs: undefined,
    orderWaitMs: 1000,
  });
});

describe('what the flags say', () => {
  test.each<[sentence: string, line: string, expected: object]>([
    [
      'every switch',
      '--original-host --insecure --no-mark --no-order --no-circuit',
      { originalHost: true, insecure: true, mark: false, keepOrder: false, circuit: false },
    ],
    ['sessions', '--sessions', { sessions: true, keepOrder: true }],
    ['undici', '--forwarder undici', { forwarder: 'undici' }],
    ['an IPv6 address to listen on, with brackets', '-ip [::1]', { host: '::1' }],
    ['and without', '--ip ::1', { host: '::1' }],
    ['one dash and an equals sign', '-ip=127.0.0.1', { host: '127.0.0.1' }],
    ['a port that the system chooses', '-p 0', { port: 0 }],
    ['no waiting at all', '--buffer 0', { bufferMs: 0 }],
    ['durations', '--buffer 250ms --timeout 1m', { bufferMs: 250, timeoutMs: 60_000 }],
    [
      'a share and a rate',
      '-f http://a|10%,https://b/base|2.5',
      {
        targets: [
          { limit: { kind: 'share' } },
          { url: 'https://b/base', limit: { kind: 'per-second', ratePerSecond: 2.5 } },
        ],
      },
    ],
    ['networks', '--from 10.0.0.0/8,::1', { from: ['10.0.0.0/8', '::1'] }],
    ['a key file, which is not read yet', '--key-file no/such/file', { keyFile: 'no/such/file' }],
    ['the rhythm', '--delay 200ms --order-wait 250ms', { delayMs: 200, orderWaitMs: 250 }],
    ['the longest delay', '--delay 60s', { delayMs: 60_000 }],
    ['no delay and no order wait', '--delay 0 --order-wait 0', { delayMs: 0, orderWaitMs: 0 }],
    [
      'a Redis, with an escape in its password',
      '--shared-limit rediss://u:p%40@[::1]/3',
      {
        sharedLimit: { host: '::1', port: 6379, isTls: true, username: 'u', password: 'p@', database: 3 },
      },
    ],
    [
      'a Redis, and nothing else',
      '--shared-limit redis://:p@r:1',
      { sharedLimit: { host: 'r', port: 1, isTls: false, username: undefined, password: 'p', database: 0 } },
    ],
    ['a results file', '--results out.jsonl', { resultsFile: 'out.jsonl' }],
  ])('%s: %s', async (_, line, expected) => {
    expect(await configured(line)).toMatchObject(expected);
  });

  test('the environment says what the command line does not', async () => {
    const environment = { GOR_REPLAY_FORWARD: 'http://a|1', GOR_REPLAY_NO_MARK: 'true', GOR_REPLAY_PORT: '1' };
    const config = await configured('-p 2', environment);
    expect(config).toMatchObject({ port: 2, mark: false, targets: [{ url: 'http://a' }] });
  });
});

describe('what is refused, the flag named', () => {
  test.each<[line: string, message: string]>([
    ['-ip http://x', '--ip: "http://x" is not an address'],
    ['--shared-limit redis', '--shared-limit: this is no URL'],
    ['--shared-limit http://:p@r', '--shared-limit: the URL begins with neither'],
    ['--shared-limit redis:///0', '--shared-limit: the URL has no host'],
    ['--shared-limit redis://r/a', '--shared-limit: what follows the host is not the number'],
    ['--shared-limit redis://r/0?x=1', '--shared-limit: the URL has a ? or # part'],
    ['--shared-limit redis://u@r', '--shared-limit: the URL has a user without a password'],
    ['--shared-limit redis://:%zz@r', '--shared-limit: user or password has a % that is no escape'],
    ['--from listener', '--from: "listener" is neither an address nor a network such as 10.0.0.0/8'],
    ['--from 10.0.0.0/8,', '--from: "10.0.0.0/8," has an empty part'],
    ['--key-file a --key-file b', '--key-file is given 2 times'],
    ['-p 65536', '--port: "65536" is not a port (0 to 65535)'],
    ['--connections 1.5', '--connections: "1.5" is not a whole number from 1 to 65535'],
    ['--connections 70000', '--connections: "70000" is not a whole number'],
    ['--timeout 5 --timeout 6', '--timeout is given 2 times'],
    ['--delay 61s', '--delay: "61s" is longer than 60s'],
    ['--delay soon', '--delay: "soon" is not a duration'],
    ['--order-wait -1s', '--order-wait'],
    ['--sessions --forwarder undici', '--sessions: undici shares its connections'],
    ['-f http://a,http://a', '--forward: '],
    ['-f http://a|1e9', '--forward: '],
  ])('%s', async (line, message) => {
    await expect(configured(line)).rejects.toThrow(message);
  });
});
