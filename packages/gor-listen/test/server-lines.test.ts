// What people read about the replay servers: who answers, what is lost, and that requests can be read on the way.
import { describe, expect, test } from 'vitest';
import type { ListenConfig, ListenLedger, ReplayServerEvent } from '../src/index.ts';
import { lossOfAllText, lossText, readableText, serverLine } from '../src/server-lines.ts';

const config: ListenConfig = {
  source: { kind: 'live', interfaces: ['any'], engine: 'auto', bufferBytes: 2 ** 20 },
  ports: [80],
  filter: undefined,
  direction: 'in',
  replay: [{ host: 'a', port: 28_020 }],
  maxBodyBytes: 1,
};
const sealed: ListenConfig = { ...config, key: new Uint8Array(32) };
const where = { server: 'a:28020', address: '10.0.0.5' };

describe('how much is lost', () => {
  test.each<[received: number, lost: number, text: string]>([
    [0, 0, 'nothing lost'],
    [10_000, 0, 'nothing lost'],
    [9998, 2, '0.02% lost'],
    [99_999, 1, 'less than 0.01% lost'],
    [9999, 1, '0.01% lost'],
    [1, 1, '50.00% lost'],
    [0, 3, '100.00% lost'],
  ])('%i received, %i lost: %s', (received, lost, text) => {
    expect(lossText({ received, lost })).toBe(text);
  });
});

describe('the line about a replay server', () => {
  test.each<[news: ReplayServerEvent, config: ListenConfig, text: string, isWarning: boolean]>([
    [
      { type: 'receiving', received: 9998, lost: 2, isBack: false, ...where },
      ...([config, 'replay server a:28020: receiving, 0.02% lost', false] as const),
    ],
    [
      { type: 'receiving', received: 0, lost: 0, isBack: true, ...where },
      ...([config, 'replay server a:28020: receiving again', true] as const),
    ],
    [{ type: 'silent', ...where }, config, 'no replay server answers at a:28020, or it has a key', true],
    [
      { type: 'silent', ...where },
      ...([sealed, 'no replay server answers at a:28020, or it has another key', true] as const),
    ],
    [{ type: 'readdressed', ...where }, ...([config, 'replay server a:28020: is at 10.0.0.5 now', true] as const)],
    [
      { type: 'spread', to: 'others', ...where },
      ...([config, 'replay server a:28020: its connections go to the others, as long as it is silent', true] as const),
    ],
    [
      { type: 'spread', to: 'itself', ...where },
      ...([config, 'replay server a:28020: its connections go to it again', true] as const),
    ],
    [
      { type: 'send-error', code: 'EPERM', ...where },
      ...([config, 'sending to the replay server a:28020 fails: EPERM', true] as const),
    ],
  ])('%j', (news, given, text, isWarning) => {
    expect(serverLine(news, given)).toEqual({ text, isWarning });
  });
});

describe('that requests travel readable', () => {
  const loopback = { server: 'localhost:1', address: '127.0.0.1' };
  const far = 'requests (cookies, tokens) travel readable to a:28020: --key-file on both sides seals them';
  test.each<[sentence: string, given: ListenConfig, servers: (typeof where)[], text: string | undefined]>([
    ['is said', config, [where], far],
    ['is said of the servers that are elsewhere', config, [loopback, where], far],
    ['is not said where it stays on the machine', config, [loopback, { server: 'c', address: '::1' }], undefined],
    ['is not said with a key', sealed, [where], undefined],
    ['is not said where nothing is sent', config, [], undefined],
  ])('%s', (_, given, servers, text) => {
    expect(readableText(given, servers)).toBe(text);
  });
});

describe('the end of the statistics line', () => {
  const server = (replayServer: string, state: string, received: number, lost: number) => ({
    replayServer,
    receiver: { state, id: received + lost === 0 ? null : 'a'.repeat(16), received, lost },
  });
  test.each<[sentence: string, servers: ReturnType<typeof server>[], text: string]>([
    ['nothing is sent', [], ''],
    ['nobody was heard yet', [server('a:1', 'unknown', 0, 0)], ''],
    ['one that receives', [server('a:1', 'receiving', 9998, 2)], ', 0.02% lost on the way'],
    ['one that never answered', [server('a:1', 'silent', 0, 0)], ', no answer from a:1'],
    ['one that fell silent: what it said is old', [server('a:1', 'silent', 3, 1)], ', no answer from a:1'],
    [
      'several: the loss of those that report, and who is silent',
      [
        server('a:1', 'receiving', 50, 0),
        server('d:1', 'receiving', 49, 1),
        server('b:1', 'silent', 49, 1),
        server('c:1', 'silent', 0, 0),
      ],
      ', 1.00% lost on the way, no answer from b:1, c:1',
    ],
  ])('%s', (_, replayServers, text) => {
    const ledger: object = { replayServers };
    expect(lossOfAllText(ledger as ListenLedger)).toBe(text);
  });
});
