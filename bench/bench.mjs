// Runs the benches and prints a table for each, or JSON. `npm run bench` sets everything up first.
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { benches } from './benches.mjs';
import { endAll } from './live/children.mjs';

/**
 * What the command line says. `rates` is undefined where each bench takes its own; a rate is a number, or a word that the
 * bench knows.
 * @typedef {object} Settings
 * @property {string} folder a temporary one
 * @property {number} packets
 * @property {number | undefined} passes where each bench does not take its own number
 * @property {number} seconds of a pass
 * @property {readonly string[] | undefined} rates
 * @property {readonly string[] | undefined} only rows to measure
 * @property {(line: string) => void} say for people who wait
 */

/**
 * One table. `run` measures the rows and gives what goes into the JSON, `print` prints that.
 * @template {{ name: string, title: string }} [Result=any]
 * @typedef {object} Bench
 * @property {string} name
 * @property {string} title
 * @property {(settings: Pick<Settings, 'rates'>) => readonly string[]} rowNames
 * @property {(settings: Settings) => Promise<Result>} run
 * @property {(result: Result, machine: Machine) => void} print
 */

/** @typedef {{ node: string, processor: string, cores: number, kernel: string }} Machine */

const { values, positionals } = readArguments();
if (values.help) {
  process.stdout.write(`${usage()}\n`);
  process.exit();
}
const packets = wholeNumber('packets', values.packets);
const passes = values.passes === undefined ? undefined : wholeNumber('passes', values.passes);
const seconds = secondsOf(values.seconds);
const rates = values.rates?.split(',');
const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name));
if (unknown.length > 0)
  fail(`there is no bench ${unknown[0]}; there are: ${benches.map(({ name }) => name).join(', ')}`);
const chosen = benches.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
const only = values.only?.split(',');
const rowNames = chosen.flatMap((bench) => rowsOf(bench));
const noRow = only?.find((name) => !rowNames.includes(name));
if (noRow !== undefined) fail(`there is no row ${noRow}; there are: ${[...new Set(rowNames)].join(', ')}`);

const folder = mkdtempSync(join(tmpdir(), 'gor-bench-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const [signal, code] of /** @type {const} */ ([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
])) {
  process.once(signal, () => process.exit(code)); // what runs, and what is left, goes with 'exit'
}
const machine = machineOf();
const results = [];
try {
  for (const bench of chosen) {
    if (only !== undefined && !rowsOf(bench).some((name) => only.includes(name))) continue;
    const result = await bench.run({ folder, packets, passes, seconds, rates, only, say });
    results.push(result);
    if (!values.json) bench.print(result, machine);
  }
} finally {
  await endAll();
}
if (values.json) process.stdout.write(`${JSON.stringify({ machine, benches: results }, null, 2)}\n`);

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        packets: { type: 'string', default: '500000' },
        passes: { type: 'string' },
        seconds: { type: 'string', default: '1' },
        rates: { type: 'string' },
        only: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    return fail(`${error instanceof Error ? error.message.replaceAll(/\s+/g, ' ') : error} Try: --help`);
  }
}

function usage() {
  return [
    'npm run -s bench -- [bench …] [--rates 2000,full,posts] [--only row,…] [--seconds N] [--passes N] [--packets N] [--json]',
    `Benches: ${benches.map(({ name }) => name).join(', ')}. Without one all run, six minutes. bench/README.md explains them.`,
  ].join('\n');
}

/** @param {import('./benches.mjs').AnyBench} bench */
function rowsOf(bench) {
  try {
    return bench.rowNames({ rates });
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

/** @param {string} line */
function say(line) {
  if (!values.json) process.stderr.write(`  … ${line}\n`);
}

/** @returns {Machine} */
function machineOf() {
  const [{ model: processor = 'unknown' } = {}] = cpus();
  return { node: process.version, processor, cores: cpus().length, kernel: release() };
}

/** @param {string} text */
function secondsOf(text) {
  const number = Number(text);
  if (!(number >= 0.1 && number <= 60)) fail(`--seconds: "${text}" is not a number from 0.1 to 60`);
  return number;
}

/**
 * @param {string} option
 * @param {string} value
 */
function wholeNumber(option, value) {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1) fail(`--${option}: "${value}" is not a whole number of at least 1`);
  return number;
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}
