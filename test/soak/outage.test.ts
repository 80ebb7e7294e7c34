// A target that is dead for a minute under load: memory stays flat, the other target does not notice, and when it comes
// back it is served again within seconds.
import { createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { freePort } from '../kit/free-port.ts';
import { RawServer } from '../kit/raw-server.ts';
import { expectReplayBalance, startReplay, sum } from '../live/programs.ts';
import { sendRecords } from './record-load.ts';
import { ResidentMemory } from './resident-memory.ts';

const PER_SECOND = 2000;
const OUTAGE_S = 60;
const AFTER_S = 8;
const RECOVERY_MS = 5000;
/** What garbage collection may leave between one sample and another. */
const SLACK_MB = 40;

test.each<[sentence: string, die: (port: number) => Promise<() => Promise<void>>]>([
  ['a target that refuses connections', async () => async () => {}],
  ['a target that takes connections and never answers', playDead],
])('%s for a minute', async (_, die) => {
  const port = await freePort();
  const revive = await die(port);
  await using good = await RawServer.start({ countOnly: true });
  const replay = await startReplay('-f', `http://127.0.0.1:${port},http://127.0.0.1:${good.port}`);
  using memory = new ResidentMemory(replay.program.pid);
  const load = sendRecords(replay.port, OUTAGE_S + AFTER_S, PER_SECOND);
  await delay(OUTAGE_S * 1000);

  await revive();
  await using back = await RawServer.start({ port, countOnly: true });
  const backMs = performance.now();
  await back.arrived(1, RECOVERY_MS);
  const recoveryMs = performance.now() - backMs;
  const count = await load;
  await good.arrived(count);
  const ledger = await replay.stop();

  console.log(`back after ${Math.round(recoveryMs)} ms; ${back.count} arrived then; ${memory}`);
  console.log(`targets ${JSON.stringify(ledger.targets)}`);
  expectReplayBalance(ledger);
  expect(ledger.sessions).toMatchObject([{ sent: count, received: count, lost: 0 }]);
  const [dead, other] = ledger.targets;
  expect(other).toMatchObject({ received: count, answered: count });
  expect(other?.latencyMs.p99).toBeLessThan(250);
  expect(dead?.received).toBe(count);
  expect(sum(dead?.failed ?? {}) + sum(dead?.limited ?? {})).toBeGreaterThan(OUTAGE_S * PER_SECOND * 0.9);
  expect(dead?.answered).toBe(back.count);
  expect(back.count).toBeGreaterThan(((AFTER_S * 1000 - RECOVERY_MS) * PER_SECOND) / 1000);
  if (ResidentMemory.isKnown) expect(memory.peakMb(30)).toBeLessThan(memory.peakMb(5, 20) + SLACK_MB);
});

/** A server on this port that reads and says nothing; the function given back ends it. */
async function playDead(port: number): Promise<() => Promise<void>> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.resume().on('error', () => socket.destroy()));
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
}
