// Replay servers, as processes, that share limits: started, fed and stopped together, and what arrives of them counted.
import { performance } from 'node:perf_hooks';
import { openUdpSender } from '@gor/wire';
import type { ReplayLedger } from 'gor-replay';
import { numberedGet } from '../kit/http-load.ts';
import type { RawServer } from '../kit/raw-server.ts';
import { expectReplayBalance, type RunningReplay, startReplay, startReplayWithin } from './programs.ts';

/** So many replay servers share. */
export const SERVERS = 3;

/** What runs a program with a clock that is an hour ahead. */
const HOUR_AHEAD = [
  'env',
  'NODE_OPTIONS=--import=data:text/javascript,const{now}=Date;Date.now=function(){return(now()+3600000)}',
];

/** Where it listens. */
export function urlOf({ port }: RawServer): string {
  return `http://127.0.0.1:${port}`;
}

/** Starts them; the clock of the first is an hour ahead. */
export function startServers(...args: string[]): Promise<RunningReplay[]> {
  const others = Array.from({ length: SERVERS - 1 }, () => startReplay(...args));
  return Promise.all([startReplayWithin(HOUR_AHEAD, '-ip', '127.0.0.1', '-p', '0', ...args), ...others]);
}

/** Stops them; their ledgers balance. */
export async function stopAll(servers: readonly RunningReplay[]): Promise<ReplayLedger[]> {
  const ledgers = await Promise.all(servers.map((server) => server.stop()));
  for (const ledger of ledgers) expectReplayBalance(ledger);
  return ledgers;
}

/** Sends each server so many requests a second. */
export async function load(servers: readonly RunningReplay[], perSecond: number, forMs: number): Promise<void> {
  const totals = () => ({ captured: 0, dropped: {} });
  const senders = await Promise.all(
    servers.map(({ port }) => openUdpSender({ host: '127.0.0.1', port, totals, onEvent: () => {} })),
  );
  const startMs = performance.now();
  for (let number = 0; performance.now() - startMs < forMs; number++) {
    const payload = Buffer.from(numberedGet(number, 200), 'latin1');
    const timestampUs = Date.now() * 1000;
    for (const sender of senders) sender.send({ kind: 'request', timestampUs, connection: number, index: 0, payload });
    const waitMs = startMs + (number * 1000) / perSecond - performance.now();
    if (waitMs > 1) await passed(waitMs);
  }
  await Promise.all(senders.map((sender) => sender.close()));
}

/** Resolves after so long. */
export function passed(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}

/** A second, between two times from the first on. */
export function rateBetween(timesMs: readonly number[], fromMs: number, toMs: number): number {
  const first = Math.min(...timesMs);
  const counted = timesMs.filter((atMs) => atMs >= first + fromMs && atMs < first + toMs);
  return (counted.length * 1000) / (toMs - fromMs);
}

/** The most times that any one second holds. */
export function mostInOneSecond(timesMs: readonly number[]): number {
  const sorted = [...timesMs].sort((a, b) => a - b);
  let most = 0;
  for (let first = 0, last = 0; last < sorted.length; last++) {
    while (sorted[last]! - sorted[first]! >= 1000) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
