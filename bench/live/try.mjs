import { mkdtempSync } from 'node:fs';
import { endAll, Worker } from './children.mjs';
import { openLoad } from './load.mjs';
import { Nginx } from './nginx.mjs';
import { startListen, startReplay } from './programs.mjs';
import { measureWindows } from './windows.mjs';
const [what, engine, rateText, kind = 'get'] = process.argv.slice(2);
const rate = rateText === 'full' ? 'full' : Number(rateText);
const folder = mkdtempSync('/tmp/gor-bench-');
const settings = { seconds: 1, passes: 3, warmUpSeconds: 1 };
try {
  const production = await Nginx.start(folder);
  let result, ledgers;
  if (what === 'null') {
    const listener = await new Worker('null-listener', { engine, port: production.port }).up();
    const load = await openLoad({ kind, rate }, production);
    result = await measureWindows({ settings, load, processes: { listener }, progress: () => listener.call('count') });
    ledgers = [await listener.call('end')];
  } else {
    const staging = rate === 'full' ? await Nginx.start(folder) : await new Worker('staging').up();
    const port = staging instanceof Nginx ? staging.port : await staging.call('port');
    const replay = await startReplay(['-f', `http://127.0.0.1:${port}`], { folder });
    const listen = await startListen(['--engine', engine, '-p', String(production.port), '-r', `127.0.0.1:${replay.port}`], { folder });
    const load = await openLoad({ kind, rate }, production);
    const worker = staging instanceof Nginx ? undefined : staging;
    result = await measureWindows({ settings, load, processes: { listen: listen.child, replay: replay.child },
      progress: async () => worker ? (await worker.call('arrivals')).arrived : staging.requests(),
      begin: async () => worker?.call('begin'),
      delay: async () => (await worker?.call('arrivals'))?.delayMs });
    ledgers = [await listen.stop(), await replay.stop()];
  }
  for (const w of result.windows) console.log(Math.round(w.requests/w.seconds), Object.fromEntries(Object.entries(w.cpuUs).map(([k, v]) => [k, (v / w.requests).toFixed(2)])), w.delayMs);
  console.log(result.offered, ledgers[0].captured, ledgers[0].frames.kernelDrops, result.peakMiB, ledgers[1]?.targets[0].answered);
} finally { await endAll(); }
process.exit();
