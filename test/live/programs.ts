// The two programs around servers of the test: started, waited for, stopped, their ledgers read.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ListenLedger } from 'gor-listen';
import type { ReplayLedger } from 'gor-replay';
import { expect } from 'vitest';
import type { Program } from '../../scripts/program.mjs';
import { startProgram } from '../kit/process.ts';

/** A running gor-listen or gor-replay. */
export interface Running<Ledger> {
  readonly program: Program;
  /** Ends it with SIGTERM, waits for exit code 0, and gives its ledger. */
  readonly stop: () => Promise<Ledger>;
  /** Its ledger, where it has ended by itself. */
  readonly ledger: () => Ledger;
}

/** A running replay server. */
export type RunningReplay = Running<ReplayLedger> & { readonly port: number };

/** A replay server on a port of loopback: a free one, over IPv4, unless the arguments say otherwise. */
export async function startReplay(...args: string[]): Promise<RunningReplay> {
  const address = args.includes('-ip') ? [] : ['-ip', '127.0.0.1'];
  const port = args.includes('-p') ? [] : ['-p', '0'];
  return startReplayWithin([], ...address, ...port, ...args);
}

/** A replay server run by a command, such as one that leads to another host. */
export async function startReplayWithin(within: readonly string[], ...args: string[]): Promise<RunningReplay> {
  const running = start<ReplayLedger>('gor-replay', args, within);
  const [, ready] = await running.program.ready(/ready: listening on \S+:(\d+)/);
  return { ...running, port: Number(ready) };
}

/** A listener. */
export function startListen(...args: string[]): Promise<Running<ListenLedger>> {
  return startListenWithin([], ...args);
}

/** A listener run by a command, such as one that leads to another host. */
export async function startListenWithin(within: readonly string[], ...args: string[]): Promise<Running<ListenLedger>> {
  const running = start<ListenLedger>('gor-listen', args, within);
  await running.program.ready(/ready: watching/);
  return running;
}

/** Asserts that every count of both ledgers balances; what the two say of the wire must agree. */
export function expectBalance(listen: ListenLedger, replay: ReplayLedger): void {
  expectListenBalance(listen);
  for (const session of replay.sessions) {
    expect(session.sent).toBe(session.received + session.waiting + session.lost + session.beforeStart);
  }
  for (const server of listen.replayServers) {
    const session = replay.sessions.find(({ id }) => id === server.session);
    if (session === undefined && listen.replayServers.length > 1) continue; // another replay server's
    // Without the final totals, which an overrun receiver may lose, the requests behind the last datagram are unknown to it.
    if (session?.totals?.final === false) expect(session.sent).toBeLessThanOrEqual(server.sent);
    else expect(session?.sent ?? 0).toBe(server.sent);
  }
  expectReplayBalance(replay);
}

/** captured = sent + dropped; seen = segments + rejected + joined; segments = those of connections + shed ones. */
export function expectListenBalance(listen: ListenLedger): void {
  expect(listen.captured).toBe(listen.sent + sum(listen.dropped));
  const { replayServers } = listen;
  if (replayServers.length > 0) expect(replayServers.reduce((all, { sent }) => all + sent, 0)).toBe(listen.sent);
  const { seen, segments, rejected, fragments } = listen.frames;
  expect(seen).toBe(segments + sum(rejected) + fragments.held + fragments.joined);
  expect(segments).toBe(listen.connections.segments + listen.shedding.segments);
}

/** received = answered + limited + failed + skipped, for each target, and nothing waits any more. */
export function expectReplayBalance(replay: ReplayLedger): void {
  for (const target of replay.targets) {
    expect(target.waiting).toBe(0);
    expect(target.received).toBe(target.answered + sum(target.limited) + sum(target.failed) + sum(target.skipped));
  }
}

/** The sum of all counts by reason. */
export function sum(counts: Readonly<Record<string, number | undefined>>): number {
  return Object.values(counts).reduce<number>((total, count) => total + (count ?? 0), 0);
}

function start<Ledger>(
  name: 'gor-listen' | 'gor-replay',
  args: readonly string[],
  within: readonly string[],
): Running<Ledger> {
  const folder = mkdtempSync(join(tmpdir(), 'gor-live-'));
  const file = join(folder, 'ledger.json');
  const program = startProgram(name, [...args, '--ledger', file], within);
  const ledger = (): Ledger => {
    const text = readFileSync(file, 'utf8');
    rmSync(folder, { recursive: true, force: true });
    return JSON.parse(text) as Ledger;
  };
  return {
    program,
    ledger,
    stop: async () => {
      await program.stop();
      return ledger();
    },
  };
}
