// Every command line of Gor as first published works as written, as `gor listen …` and as `gor-listen …`.
import { commonFlags, type Flag, readFlags } from '@gor/cli';
import { configureListen, listenProgram } from 'gor-listen';
import { configureReplay, replayProgram } from 'gor-replay';
import { describe, expect, test } from 'vitest';

describe.each(['gor listen', 'gor-listen'])('%s', (name) => {
  test.each<[string, string[], object]>([
    [
      '-p 80 -r replay.server.local:28020',
      ['-p', '80', '-r', 'replay.server.local:28020'],
      { ports: [80], replay: [{ host: 'replay.server.local', port: 28020 }] },
    ],
    [
      'nothing: any interface, port 80, localhost:28020',
      [],
      { source: { interfaces: ['any'] }, ports: [80], replay: [{ host: 'localhost', port: 28020 }] },
    ],
    ['-r without a port', ['-r', 'replay'], { replay: [{ host: 'replay', port: 28020 }] }],
    ['-i eth0', ['-i', 'eth0'], { source: { interfaces: ['eth0'] } }],
    ['-verbose', ['-verbose', '-p', '8080'], { ports: [8080] }],
  ])('%s', async (_, argv, expected) => {
    const values = await readFlags(withCommon(listenProgram(name)), argv, {});
    if ('show' in values) throw new Error(values.show);
    expect(configureListen(values)).toMatchObject(expected);
  });
});

describe.each(['gor replay', 'gor-replay'])('%s', (name) => {
  test.each<[string, string[], object]>([
    [
      '-f "http://staging.server|10,http://dev.server|5"',
      ['-f', 'http://staging.server|10,http://dev.server|5'],
      {
        targets: [
          { url: 'http://staging.server', limit: { kind: 'per-second', ratePerSecond: 10 } },
          { url: 'http://dev.server', limit: { kind: 'per-second', ratePerSecond: 5 } },
        ],
      },
    ],
    [
      'nothing: localhost:8080, 0.0.0.0:28020',
      [],
      { targets: [{ url: 'http://localhost:8080' }], host: '0.0.0.0', port: 28020 },
    ],
    ['-f without a scheme', ['-f', 'staging.server'], { targets: [{ url: 'http://staging.server' }] }],
    ['-ip 0.0.0.0 -p 28020', ['-ip', '0.0.0.0', '-p', '28020'], { host: '0.0.0.0', port: 28020 }],
    ['-verbose', ['-verbose'], { port: 28020 }],
  ])('%s', async (_, argv, expected) => {
    const values = await readFlags(withCommon(replayProgram(name)), argv, {});
    if ('show' in values) throw new Error(values.show);
    expect(configureReplay(values)).toMatchObject(expected);
  });
});

test.each([listenProgram('gor listen'), replayProgram('gor replay')])('$name -h shows its help', async (program) => {
  const help = await readFlags(withCommon(program), ['-h'], {});
  expect('show' in help && help.show).toContain(`Usage: ${program.name} [options]`);
});

function withCommon<T extends { readonly flags: readonly Flag[] }>(program: T): T {
  return { ...program, flags: [...program.flags, ...commonFlags] };
}
