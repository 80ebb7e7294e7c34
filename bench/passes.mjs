// Runs one row of ours pass by pass, the first to warm up, and prints the times as JSON: a process of its own for each row.
import { readFileSync } from 'node:fs';
import { reading } from './reading.mjs';

const fileBenches = [reading];

const [benchName, rowName, trafficJson = '', passCount] = process.argv.slice(2);
const row = fileBenches.find(({ name }) => name === benchName)?.rows.find(({ name }) => name === rowName);
if (row?.run === undefined) throw new Error(`there is no row ${rowName} of ours in ${benchName}`);
/** @type {import('./http-capture.mjs').Traffic} */
const traffic = JSON.parse(trafficJson);
const passes = [];
for (let pass = 0; pass <= Number(passCount); pass++) {
  const before = process.resourceUsage();
  const startedMs = performance.now();
  const found = await row.run(traffic);
  const wallMs = performance.now() - startedMs;
  const after = process.resourceUsage();
  for (const name of /** @type {const} */ (['packets', 'payloadBytes', 'requests', 'responses'])) {
    const count = found[name];
    if (count !== undefined && count !== traffic[name]) {
      throw new Error(`${name}: ${count} were found, ${traffic[name]} are there`);
    }
  }
  const cpuUs = after.userCPUTime - before.userCPUTime + after.systemCPUTime - before.systemCPUTime;
  if (pass > 0) passes.push({ wallMs, cpuMs: cpuUs / 1000 });
}
process.stdout.write(JSON.stringify({ passes, peakRssBytes: peakRssBytes() }));

/** The most that this program held. What Linux says of resource usage may be of the program that started this one. */
function peakRssBytes() {
  const kilobytes =
    process.platform === 'linux'
      ? /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
      : undefined;
  return Number(kilobytes ?? process.resourceUsage().maxRSS) * 1024;
}
