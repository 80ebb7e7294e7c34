// Runs the benches and prints a table for each, or JSON. `npm run bench` sets everything up first.
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { installCommand, isInPath } from '../scripts/setup/system-packages.mjs';
import { benches } from './benches.mjs';
import { measureCommand, measureOwn } from './measure.mjs';
import { figuresOf, printTable } from './table.mjs';

/** @typedef {import('./http-capture.mjs').Traffic} Traffic */

/**
 * One line of a table: `run` is ours, for a warm process, and tells what it found; `command` is a program.
 * @typedef {object} Row
 * @property {string} name
 * @property {string} about
 * @property {(traffic: Traffic) => Promise<{ packets?: number, payloadBytes?: number, requests?: number, responses?: number }>} [run]
 * @property {(traffic: Traffic, folder: string) => readonly string[]} [command]
 * @property {string} [package] the Debian package of the command, where it may not be there
 * @property {number} [passes] instead of the usual number
 */

/**
 * One table. All rows read what `prepare` makes in the temporary folder; the row named by `floor` is what the ratios go by.
 * @typedef {object} Bench
 * @property {string} name
 * @property {string} title
 * @property {string} floor
 * @property {(options: { folder: string, packets: number }) => Traffic} prepare
 * @property {readonly Row[]} rows
 */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    packets: { type: 'string', default: '500000' },
    passes: { type: 'string', default: '5' },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const packets = wholeNumber('packets', values.packets);
const passes = wholeNumber('passes', values.passes);
const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name));
if (unknown.length > 0)
  fail(`there is no bench ${unknown[0]}; there are: ${benches.map(({ name }) => name).join(', ')}`);
const only = values.only?.split(',');
const rowNames = benches.flatMap(({ rows }) => rows.map(({ name }) => name));
const noRow = only?.find((name) => !rowNames.includes(name));
if (noRow !== undefined) fail(`there is no row ${noRow}; there are: ${rowNames.join(', ')}`);

const folder = mkdtempSync(join(tmpdir(), 'gor-bench-'));
const clear = () => rmSync(folder, { recursive: true, force: true });
process.once('SIGINT', () => {
  clear();
  process.exit(130);
});
const machine = { node: process.version, processor: cpus()[0]?.model ?? 'unknown', cores: cpus().length };
const results = [];
try {
  for (const bench of benches) {
    if (positionals.length === 0 || positionals.includes(bench.name)) results.push(await runBench(bench));
  }
} finally {
  clear();
}
if (values.json) process.stdout.write(`${JSON.stringify({ machine, benches: results }, null, 2)}\n`);

/** @param {Bench} bench */
async function runBench(bench) {
  const { file, ...traffic } = bench.prepare({ folder, packets });
  const chosen = bench.rows.filter(({ name }) => only?.includes(name) ?? true);
  const measured = [];
  for (const row of chosen) {
    if (!values.json) process.stderr.write(`  … ${bench.name}: ${row.name}\n`);
    measured.push({ ...row, measured: await measure(bench, row, { file, ...traffic }) });
  }
  const floor = measured.find(({ name }) => name === bench.floor)?.measured;
  const rows = measured.map((row) => figuresOf(row, traffic, floor));
  const result = { name: bench.name, title: bench.title, traffic, rows };
  if (!values.json) printTable(result, machine);
  return result;
}

/**
 * @param {Bench} bench
 * @param {Row} row
 * @param {Traffic} traffic
 * @returns {Promise<import('./measure.mjs').Measured | string>} or why there is nothing to measure
 */
async function measure(bench, row, traffic) {
  const rowPasses = Math.min(passes, row.passes ?? passes);
  if (row.command === undefined) return measureOwn(bench.name, row.name, traffic, rowPasses);
  const command = row.command(traffic, folder);
  if (row.package === undefined || isInPath(command[0] ?? '')) return measureCommand(command, rowPasses);
  return `not installed: ${installCommand([row.package])}`;
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
