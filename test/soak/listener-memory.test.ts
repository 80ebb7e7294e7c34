// The listener under a steady load for ten minutes, with the default ring of 64 MB: its memory is flat, at most 150 MB resident.
// GOR_SOAK_MINUTES sets another time.
import { expect, test } from 'vitest';
import { numberedGet, sendLoad } from '../kit/http-load.ts';
import { RawServer } from '../kit/raw-server.ts';
import { needs } from '../kit/rights.ts';
import { expectListenBalance, startListen, startReplay } from '../live/programs.ts';
import { ResidentMemory } from './resident-memory.ts';

const MINUTES = Number(process.env['GOR_SOAK_MINUTES'] ?? 10);
const PER_SECOND = 2000;
const MOST_MB = 150;
/** From the second quarter to the last one, by their peaks. */
const MOST_GROWTH_MB = 10;

test(
  `2,000 requests a second for ${MINUTES} minutes: at most ${MOST_MB} MB, and flat`,
  async (context) => {
    needs(context, 'capture');
    if (!ResidentMemory.isKnown) context.skip('this system does not tell the memory of processes');
    await using production = await RawServer.start({ countOnly: true });
    await using staging = await RawServer.start({ countOnly: true });
    const replay = await startReplay('-f', `http://127.0.0.1:${staging.port}`);
    const to = ['-p', String(production.port), '-r', `127.0.0.1:${replay.port}`];
    const listen = await startListen('--engine', 'ring', ...to);
    using memory = new ResidentMemory(listen.program.pid);
    const seconds = Math.round(MINUTES * 60);
    const load = { port: production.port, connections: 40, count: 10 * PER_SECOND, ratePerSecond: PER_SECOND };
    const rounds = Math.ceil(seconds / 10);
    for (let round = 0; round < rounds; round++) {
      await sendLoad({ ...load, request: (number) => numberedGet(round * load.count + number) });
    }
    await staging.arrived(rounds * load.count);
    const listened = await listen.stop();
    await replay.stop();

    console.log(`gor-listen ${memory}`);
    expectListenBalance(listened);
    expect([listened.captured, listened.frames.kernelDrops]).toEqual([rounds * load.count, 0]);
    expect(memory.peakMb()).toBeLessThanOrEqual(MOST_MB);
    const quarter = Math.floor(seconds / 4);
    expect(memory.peakMb(3 * quarter)).toBeLessThanOrEqual(memory.peakMb(quarter, 2 * quarter) + MOST_GROWTH_MB);
  },
  (MINUTES + 5) * 60_000,
);
