// From the command line and the environment to the listener's configuration.
import { readFlags } from '@gor/cli';
import { describe, expect, test } from 'vitest';
import { configureListen, listenProgram } from '../src/index.ts';

async function configured(line: string, environment: Record<string, string> = {}) {
  const values = await readFlags(listenProgram('gor-listen'), line === '' ? [] : line.split(' '), environment);
  if ('show' in values) throw new Error(values.show);
  return configureListen(values);
}

test('without flags: every default of the help', async () => {
  expect(await configured('')).toEqual({
    source: { kind: 'live', interfaces: ['any'], engine: 'auto', bufferBytes: 64 * 1024 * 1024, isPromiscuous: false },
    ports: [80],
    filter: undefined,
    direction: 'in',
    replay: [{ host: 'localhost', port: 28_020 }],
    keyFile: undefined,
    maxDatagramBytes: 1200,
    resendBytes: 16 * 1024 * 1024,
    maxBodyBytes: 8 * 1024 * 1024,
    show: undefined,
    showResponses: false,
    user: undefined,
  });
});

describe('what the flags say', () => {
  test.each<[sentence: string, line: string, expected: object]>([
    ['several ports, each once', '-p 80,8080,80', { ports: [80, 8080] }],
    ['any port', '-p any', { ports: 'any' }],
    ['several interfaces, each once', '-i eth0,lo,eth0', { source: { interfaces: ['eth0', 'lo'] } }],
    ['an IPv6 replay server with a port', '-r [2001:db8::1]:9', { replay: [{ host: '2001:db8::1', port: 9 }] }],
    [
      'several replay servers',
      '-r a,b:9,[::1]',
      {
        replay: [
          { host: 'a', port: 28_020 },
          { host: 'b', port: 9 },
          { host: '::1', port: 28_020 },
        ],
      },
    ],
    ['one name with two ports', '-r a:1,a:2', { replay: [{ port: 1 }, { port: 2 }] }],
    ['a key file, which is not read yet', '--key-file no/such/file', { keyFile: 'no/such/file' }],
    ['the longest datagram that there is', '--mtu 65507', { maxDatagramBytes: 65_507 }],
    ['the shortest', '--mtu 256', { maxDatagramBytes: 256 }],
    ['a larger buffer for sending again', '--resend-buffer 64mb', { resendBytes: 2 ** 26 }],
    ['nothing sent again', '--resend-buffer 0', { resendBytes: 0 }],
    ['--print alone sends nothing', '--print', { show: 'text', replay: undefined }],
    ['--json alone sends nothing', '--json', { show: 'json', replay: undefined }],
    ['--print with -r sends, too', '--print -r replay', { show: 'text', replay: [{ host: 'replay', port: 28_020 }] }],
    ['responses as well', '--json --responses', { show: 'json', showResponses: true }],
    ['a capture file takes both directions', '--pcap x', { direction: 'both' }],
    ['unless it is told otherwise', '--pcap x --direction in', { direction: 'in' }],
    ['a file that is sent keeps its spacing', '--pcap x', { source: { kind: 'file', path: 'x', speed: 1 } }],
    ['at ten times its speed', '--pcap x --speed 10', { source: { speed: 10 } }],
    ['at a tenth of it', '--pcap x --speed 0.1', { source: { speed: 0.1 } }],
    ['as fast as it goes', '--pcap x --speed max', { source: { speed: Number.POSITIVE_INFINITY } }],
    ['a file that is only shown does not wait', '--pcap x --print', { source: { speed: Number.POSITIVE_INFINITY } }],
    [
      'a kernel buffer and an engine',
      '--buffer-size 1mb --engine cap',
      { source: { bufferBytes: 2 ** 20, engine: 'cap' } },
    ],
    ['a filter', '--filter=udp', { filter: 'udp' }],
    ['a filter for the engine ring', '--engine ring --filter=tcp', { filter: 'tcp', source: { engine: 'ring' } }],
    ['packets for others', '-i eth0 --promiscuous', { source: { interfaces: ['eth0'], isPromiscuous: true } }],
    ['the engine ring', '--engine ring', { source: { engine: 'ring' } }],
    ['a user by name', '--user ann', { user: { name: 'ann' } }],
    ['a user and a group by number', '--user 1000:100', { user: { uid: 1000, gid: 100 } }],
    ['a user with a file, too', '--pcap x --user 1000', { user: { uid: 1000, gid: undefined } }],
    ['half a core at most', '--max-cpu 50%', { maxCpuShare: 0.5 }],
    ['a part of a percent', '--max-cpu 12.5%', { maxCpuShare: 0.125 }],
    ['the longest body', '--max-body 64kb', { maxBodyBytes: 65_536 }],
  ])('%s: %s', async (_, line, expected) => {
    expect(await configured(line)).toMatchObject(expected);
  });

  test('the environment says what the command line does not', async () => {
    const environment = { GOR_LISTEN_PORT: '81', GOR_LISTEN_PCAP: 'x', GOR_LISTEN_JSON: '1' };
    const config = await configured('-p 82', environment);
    expect(config).toMatchObject({ ports: [82], source: { kind: 'file', path: 'x' }, show: 'json', direction: 'both' });
  });
});

describe('what is refused, the flag named', () => {
  test.each<[line: string, message: string]>([
    ['-p 80,', '--port: "80," has an empty part'],
    ['-p 80 -p 81', '--port is given 2 times'],
    ['-r ::1:x', '--replay: "::1:x" is not host[:port]'],
    ['-r 0.0.0.0', '--replay: 0.0.0.0 is the address of no single machine'],
    ['-r [ff02::1]:28020', '--replay: ff02::1 is the address of no single machine'],
    ['-r a,a:28020', '--replay: a:28020 is given twice'],
    ['-r a,', '--replay: "a," has an empty part'],
    [`-r ${Array.from({ length: 17 }, (_, at) => `r${at}`).join()}`, '--replay: 17 replay servers, and 16 is the most'],
    ['--mtu 255', '--mtu: "255" is not a whole number from 256 to 65507'],
    ['--mtu 65508', '--mtu: "65508" is not a whole number'],
    ['--mtu 9k', '--mtu: "9k" is not a whole number'],
    ['--resend-buffer 2gb', '--resend-buffer: "2gb" is neither 0 nor from 64kb to 1gb'],
    ['--resend-buffer 65535', '--resend-buffer: "65535" is neither 0 nor from'],
    ['--resend-buffer -1', '--resend-buffer'],
    ['--key-file a --key-file b', '--key-file is given 2 times'],
    ['--buffer-size 63kb', '--buffer-size: "63kb" is not from 64kb to 2047mb'],
    ['--buffer-size 2gb', '--buffer-size: "2gb" is not from'],
    ['--promiscuous', '--promiscuous goes with interfaces by their names, not with any'],
    ['--pcap x --promiscuous', '--promiscuous is for live capture'],
    ['--engine steam', '--engine: "steam" is none of auto, ring, cap'],
    ['--pcap x --filter tcp', '--filter is for live capture'],
    ['--pcap x --engine cap', '--engine is for live capture'],
    ['--pcap x --buffer-size 1mb', '--buffer-size is for live capture'],
    ['--pcap x --speed 1e3', '--speed: "1e3" is neither a number above 0 nor max'],
    ['--responses', '--responses goes with --print or --json'],
    ['--user ann:staff', '--user: "ann:staff" is neither'],
    ['--user 0:100', '--user: "0:100" would stay root'],
    ['--max-cpu 0.5', '--max-cpu: "0.5" is not from 1% to 100%'],
    ['--max-cpu 0.5%', '--max-cpu: "0.5%" is not from 1% to 100%'],
    ['--max-cpu 101%', '--max-cpu: "101%" is not from 1% to 100%'],
    ['--max-cpu 5e1%', '--max-cpu: "5e1%" is not from 1% to 100%'],
    ['--pcap x --max-cpu 50%', '--max-cpu is for live capture'],
    ['--max-body 25mb', '--max-body: "25mb" is over 12 MB'],
    ['--max-body 0', '--max-body: "0" is not a size'],
  ])('%s', async (line, message) => {
    await expect(configured(line)).rejects.toThrow(message);
  });
});
