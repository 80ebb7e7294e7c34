// The plan at start: every limit and default in force, in words.
import { describe, expect, test } from 'vitest';
import type { ReplayConfig } from '../src/index.ts';
import { planLines } from '../src/plan.ts';

const defaults: ReplayConfig = {
  host: '0.0.0.0',
  port: 28_020,
  targets: [{ url: 'http://localhost:8080' }],
  bufferMs: 1000,
  timeoutMs: 5000,
  connections: 512,
  forwarder: 'exact',
  originalHost: false,
  insecure: false,
  mark: true,
  keepOrder: true,
  sessions: false,
  resultsFile: undefined,
  circuit: true,
};

test('the defaults', () => {
  expect(planLines(defaults)).toEqual([
    '  listens on  udp 0.0.0.0:28020, for whoever reaches it, readable on the way',
    '  forwards to http://localhost:8080, no limit',
    '  each target up to 512 requests in flight, 5 s for an answer; over the limit up to 1 s, 65,536 requests and 64 MB waiting; one request a second while it does not answer',
    "  requests    sent as captured; Host is the target's; Gor-Replayed: 1 is added; order is kept on each captured connection, for up to 1 s",
  ]);
});

describe('what differs is said', () => {
  test.each<[sentence: string, over: Partial<ReplayConfig>, text: string]>([
    [
      'a rate',
      { targets: [{ url: 'http://a', limit: { kind: 'per-second', ratePerSecond: 10 } }] },
      'http://a, at most 10 a second',
    ],
    ['a buffer that --timeout cuts short', { bufferMs: 6000 }, '--timeout counts from when a request is due'],
    ['some networks', { from: ['10.0.0.0/8', '::1'] }, 'for 10.0.0.0/8, ::1 only, readable on the way'],
    ['a key, by its id', { keys: [new Uint8Array(32)] }, 'udp 0.0.0.0:28020, for who has the key f7b3'],
    [
      'several keys, and some networks',
      { keys: [new Uint8Array(32), new Uint8Array(32).fill(1)], from: ['::1'] },
      'for ::1 only, and who has the key f7b3 or 315f',
    ],
    ['an IPv6 address', { host: '::' }, 'udp [::]:28020'],
    ['the captured Host', { originalHost: true }, 'Host is the captured one'],
    ['undici', { forwarder: 'undici' }, 'sent by undici, which rewrites them'],
    ['sessions', { sessions: true }, 'each captured connection has one of its own to each target, up to 16,384 open'],
    ['no mark', { mark: false }, 'no mark is added'],
    ['no order', { keepOrder: false }, 'order is not kept'],
    ['another order wait', { orderWaitMs: 250 }, 'kept on each captured connection, for up to 250 ms'],
    ['a delay', { delayMs: 200 }, 'rhythm      as recorded, 200 ms behind'],
    ['certificates are not verified', { insecure: true }, 'certificates of https targets are not verified'],
    [
      'a shared limit, without its password',
      {
        targets: [{ url: 'http://a', limit: { kind: 'per-second', ratePerSecond: 10 } }],
        sharedLimit: { host: '::1', port: 1, isTls: true, username: 'u', password: 'p', database: 2 },
      },
      'limits      shared with all servers at rediss://[::1]:1/2 that',
    ],
    ['a results file', { resultsFile: 'out.jsonl' }, 'results     out.jsonl'],
  ])('%s', (_, over, text) => {
    expect(planLines({ ...defaults, ...over }).join('\n')).toContain(text);
  });
});

test('without the circuit nothing is said of it', () => {
  expect(planLines({ ...defaults, circuit: false }).join('\n')).not.toContain('while it does not answer');
});
