// Targets that are dead for ten minutes under load, one that refuses and one that hangs, beside a healthy one: memory
// stays flat, the healthy one does not notice, and those that come back are served again within seconds.
// GOR_SOAK_SECONDS: how long they are dead; 600.
import { createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { freePort } from '../kit/free-port.ts';
import { RawServer } from '../kit/raw-server.ts';
import { expectReplayBalance, startReplay, sum } from '../live/programs.ts';
import { sendRecords } from './record-load.ts';
import { ResidentMemory } from './resident-memory.ts';

const PER_SECOND = 5000;
const OUTAGE_S = Number(process.env['GOR_SOAK_SECONDS'] ?? 600);
const AFTER_S = 8;
const RECOVERY_MS = 5000;
const MOST_MB = 256;
/** What garbage collection may leave between one sample and another. */
const SLACK_MB = 24;

test(
  `dead targets for ${OUTAGE_S} s at ${PER_SECOND} a second`,
  async () => {
    const refusingPort = await freePort();
    const hanging = await startHanging();
    await using good = await RawServer.start({ countOnly: true });
    const urls = [refusingPort, hanging.port, good.port].map((port) => `http://127.0.0.1:${port}`);
    const replay = await startReplay('-f', urls.join());
    using memory = new ResidentMemory(replay.program.pid);
    const load = sendRecords(replay.port, OUTAGE_S + AFTER_S, PER_SECOND);
    await delay(OUTAGE_S * 1000);

    await hanging.close();
    const backMs = performance.now();
    await using refusingBack = await RawServer.start({ port: refusingPort, countOnly: true });
    await using hangingBack = await RawServer.start({ port: hanging.port, countOnly: true });
    const back = [refusingBack, hangingBack];
    const recoveriesMs = await Promise.all(back.map((server) => untilServed(server, backMs)));
    const count = await load;
    await good.arrived(count);
    const ledger = await replay.stop();

    console.log(`back after ${recoveriesMs.map(Math.round).join(' and ')} ms; ${memory}`);
    console.log(`targets ${JSON.stringify(ledger.targets)}`);
    console.log(`tried while dead: ${hanging.tried} at the hanging one`);
    expectReplayBalance(ledger);
    expect(ledger.sessions).toMatchObject([{ sent: count, received: count, lost: 0 }]);
    const [refusing, hung, healthy] = ledger.targets;
    expect(healthy).toMatchObject({ received: count, answered: count, circuit: { opened: 0 } });
    expect(healthy?.latencyMs.p99).toBeLessThan(250);
    for (const [at, dead] of [refusing, hung].entries()) {
      expect(dead).toMatchObject({ received: count, answered: back[at]?.count, circuit: { isOpen: false, opened: 1 } });
      expect(dead?.skipped['circuit-open']).toBeGreaterThan((OUTAGE_S - 10) * PER_SECOND * 0.9);
      expect(back[at]?.count).toBeGreaterThan(((AFTER_S * 1000 - RECOVERY_MS) * PER_SECOND) / 1000);
      expect(recoveriesMs[at]).toBeLessThan(RECOVERY_MS);
    }
    // Until it opens, a time-out's worth of requests: those in flight, those that follow them. Then one a second.
    expect(sum(hung?.failed ?? {})).toBeLessThan(2 * 512 + OUTAGE_S + 10);
    if (!ResidentMemory.isKnown) return;
    expect(memory.peakMb()).toBeLessThan(MOST_MB);
    expect(memory.peakMb(OUTAGE_S / 2)).toBeLessThan(memory.peakMb(0, OUTAGE_S / 2) + SLACK_MB);
  },
  (OUTAGE_S + 120) * 1000,
);

/** How long it took from `backMs` until it is sent what comes, and not only one a second. */
async function untilServed(server: RawServer, backMs: number): Promise<number> {
  await server.arrived(PER_SECOND / 10, RECOVERY_MS);
  return performance.now() - backMs;
}

/** A server that reads and says nothing. */
async function startHanging() {
  const sockets = new Set<Socket>();
  const state = { tried: 0 };
  const server = createServer((socket) => {
    state.tried += 1;
    sockets.add(socket.resume().on('error', () => socket.destroy()));
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    get tried() {
      return state.tried;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
