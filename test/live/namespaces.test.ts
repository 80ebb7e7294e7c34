// On a real Ethernet interface, as a production host has it: requests that come in are taken, and what the host asks of
// others is left alone, unless just that is wanted.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ListenLedger } from 'gor-listen';
import { expect, type TestContext, test } from 'vitest';
import { programPath } from '../kit/process.ts';
import { needs } from '../kit/rights.ts';
import { NamespacePair } from './namespace-pair.ts';
import { expectListenBalance } from './programs.ts';

const INCOMING = 20;
const OUTGOING = 7;
const incoming = Array.from({ length: INCOMING }, (_, number) => `/in/${number}`);
const outgoing = Array.from({ length: OUTGOING }, (_, number) => `/out/${number}`);

/** Connections that go the other way: each sends all its requests over one. */
test.for<[engine: string, direction: string, interfaceName: 'veth' | 'any', taken: string[], otherConnections: number]>(
  [
    ['auto', 'in', 'veth', incoming, 1],
    ['auto', 'out', 'veth', outgoing, 1],
    ['auto', 'both', 'veth', [...incoming, ...outgoing], 0],
    ['auto', 'in', 'any', incoming, 1],
    ['auto', 'out', 'any', outgoing, 1],
    ['cap', 'in', 'veth', incoming, 1],
    ['cap', 'in', 'any', incoming, 1],
  ],
)('engine %s, --direction %s on %s', async ([engine, direction, interfaceName, taken, otherConnections], context) => {
  await using pair = hosts(context);
  await pair.serve('production');
  await pair.serve('client');
  const name = interfaceName === 'veth' ? pair.interfaceOf('production') : 'any';
  const listen = await startListen(pair, '-i', name, '--engine', engine, '--direction', direction);
  await pair.request('client', `http://${pair.addressOf('production')}/in/`, INCOMING);
  await pair.request('production', `http://${pair.addressOf('client')}/out/`, OUTGOING);
  const { ledger, targets } = await listen.stop();

  expectListenBalance(ledger);
  expect(targets, JSON.stringify(ledger)).toEqual(taken);
  expect(ledger).toMatchObject({
    captured: taken.length,
    sent: taken.length,
    dropped: {},
    connections: { otherDirection: otherConnections },
  });
});

/** A pair of hosts; skips where there can be none. */
function hosts(context: TestContext): NamespacePair {
  needs(context, 'capture', 'ip');
  try {
    return NamespacePair.create();
  } catch (error) {
    return context.skip(`network namespaces cannot be made: ${error instanceof Error ? error.message : error}`);
  }
}

/** gor-listen --json on the production host; `stop` gives its ledger and the targets that it printed. */
async function startListen(pair: NamespacePair, ...args: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'gor-namespaces-'));
  const file = join(folder, 'ledger.json');
  const child = pair.spawn('production', programPath('gor-listen'), '-p', '80', '--json', '--ledger', file, ...args);
  const closed = once(child, 'close');
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.on('data', (text: string) => {
    stderr += text;
  });
  while (!/ready: watching/.test(stderr) && child.exitCode === null) {
    await Promise.race([once(child.stderr, 'data'), closed]);
  }
  return {
    stop: async () => {
      child.kill('SIGTERM');
      const [code] = await closed;
      if (code !== 0) throw new Error(`gor-listen ended with exit code ${code}:\n${stderr}`);
      const ledger = JSON.parse(readFileSync(file, 'utf8')) as ListenLedger;
      rmSync(folder, { recursive: true });
      const lines = stdout.split('\n').slice(0, -1);
      return { ledger, targets: lines.map((line) => (JSON.parse(line) as { target: string }).target) };
    },
  };
}
