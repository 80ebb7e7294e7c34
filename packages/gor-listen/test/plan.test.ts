// The plan at start: every limit and default in force, in words.
import { describe, expect, test } from 'vitest';
import type { ListenConfig } from '../src/index.ts';
import { planLines } from '../src/plan.ts';

const live: ListenConfig = {
  source: { kind: 'live', interfaces: ['any'], engine: 'auto', bufferBytes: 64 * 1024 * 1024 },
  ports: [80],
  filter: undefined,
  direction: 'in',
  replay: [{ host: 'localhost', port: 28_020 }],
  maxBodyBytes: 8 * 1024 * 1024,
};

test('the defaults', () => {
  expect(planLines(live)).toEqual([
    '  watches     interface any: TCP packets of these ports; engine auto, kernel buffer 64 MB',
    '  takes       HTTP requests to port 80, those that come in; none that Gor itself replayed',
    '  sends to    localhost:28020, readable for whoever listens on the way; datagrams of 1,200 B, up to 64 MB waiting, up to 16 MB kept to be sent again',
    '  requests    head up to 256 KB, body up to 8 MB; longer ones are counted and left out',
    '  holds       unfinished requests 24 MB, data behind lost packets 32 MB, connections 65,536, each until 10 m of silence',
    '  sheds       whole connections, counted, while it cannot keep up',
  ]);
});

test('what becomes of root, where the program has it', () => {
  expect(planLines(live, 'root, kept to the end').slice(planLines(live).length)).toEqual([
    '  rights      root, kept to the end',
  ]);
});

describe('what differs is said', () => {
  test.each<[sentence: string, over: Partial<ListenConfig>, text: string]>([
    ['several ports', { ports: [80, 81] }, 'to port 80, 81'],
    ['any port', { ports: 'any' }, 'all TCP packets'],
    ['a filter of the user’s', { filter: 'tcp port 9' }, 'interface any: tcp port 9;'],
    [
      'packets for others',
      { source: { kind: 'live', interfaces: ['eth0'], engine: 'auto', bufferBytes: 2 ** 20, isPromiscuous: true } },
      'interface eth0, promiscuous: TCP',
    ],
    [
      'several replay servers',
      {
        replay: [
          { host: 'a', port: 1 },
          { host: '::1', port: 2 },
        ],
      },
      'sends to    a:1, [::1]:2, each connection to one of them; to each, readable',
    ],
    ['a key, by its id', { key: new Uint8Array(32) }, 'localhost:28020, sealed with the key f7b3; datagrams'],
    ['longer datagrams', { maxDatagramBytes: 8972 }, 'datagrams of 8,972 B'],
    ['a larger buffer', { resendBytes: 2 ** 25 }, 'up to 32 MB kept to be sent again'],
    ['nothing kept', { resendBytes: 0 }, 'waiting, nothing sent again'],
    ['nothing is sent', { replay: undefined }, 'sends to    nobody'],
    ['outgoing requests', { direction: 'out' }, 'those that go out'],
    ['a bound on the CPU time', { maxCpuShare: 0.07 }, 'keep up, or takes more than 7% of one core'],
    ['nothing is shed', { shedsLoad: false }, 'sheds       nothing'],
    ['a file and its speed', { source: { kind: 'file', path: 'a.pcap', speed: 2 } }, 'file a.pcap, at 2 times'],
    [
      'stdin at full speed',
      { source: { kind: 'file', path: '-', speed: Number.POSITIVE_INFINITY } },
      'from stdin, as fast as it can be read',
    ],
  ])('%s', (_, over, text) => {
    expect(planLines({ ...live, ...over }).join('\n')).toContain(text);
  });
});
