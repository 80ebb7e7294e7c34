// A bench whose rows all read the same file, one after the other, pass by pass: ours in a warm process, programs from their start.
import { installCommand, isInPath } from '../scripts/setup/system-packages.mjs';
import { measureCommand, measureOwn } from './measure.mjs';
import { figuresOf, printTable } from './table.mjs';

const PASSES = 5;

/** @typedef {import('./http-capture.mjs').Traffic} Traffic */

/**
 * One line of a table: `run` is ours, for a warm process, and tells what it found; `command` is a program.
 * @typedef {object} FileRow
 * @property {string} name
 * @property {string} about
 * @property {(traffic: Traffic) => Promise<{ packets?: number, payloadBytes?: number, requests?: number, responses?: number }>} [run]
 * @property {(traffic: Traffic, folder: string) => readonly string[]} [command]
 * @property {string} [package] the Debian package of the command, where it may not be there
 * @property {number} [passes] instead of the usual number
 */

/**
 * All rows read what `prepare` makes in the temporary folder; the row named by `floor` is what the ratios go by.
 * @typedef {object} FileBenchDefinition
 * @property {string} name
 * @property {string} title
 * @property {string} floor
 * @property {(options: { folder: string, packets: number }) => Traffic} prepare
 * @property {readonly FileRow[]} rows
 */

/** @typedef {{ name: string, title: string, traffic: Omit<Traffic, 'file'>, rows: import('./table.mjs').Figures[] }} FileResult */

/**
 * The bench of this definition, with its rows for the process that runs one of them.
 * @param {FileBenchDefinition} definition
 * @returns {import('./bench.mjs').Bench<FileResult> & { rows: readonly FileRow[] }}
 */
export function fileBench(definition) {
  const { name, title, rows } = definition;
  return {
    ...{ name, title, rows },
    rowNames: () => rows.map((row) => row.name),
    run: (settings) => runBench(definition, settings),
    print: printTable,
  };
}

/**
 * @param {FileBenchDefinition} bench
 * @param {import('./bench.mjs').Settings} settings
 * @returns {Promise<FileResult>}
 */
async function runBench(bench, { folder, packets, passes = PASSES, only, say }) {
  const { file, ...traffic } = bench.prepare({ folder, packets });
  const measured = [];
  for (const row of bench.rows.filter(({ name }) => only?.includes(name) ?? true)) {
    say(`${bench.name}: ${row.name}`);
    const rowPasses = Math.min(passes, row.passes ?? passes);
    measured.push({ ...row, measured: await measure(bench, row, { file, ...traffic }, { folder, passes: rowPasses }) });
  }
  const floor = measured.find(({ name }) => name === bench.floor)?.measured;
  const rows = measured.map((row) => figuresOf(row, traffic, floor));
  return { name: bench.name, title: bench.title, traffic, rows };
}

/**
 * @param {FileBenchDefinition} bench
 * @param {FileRow} row
 * @param {Traffic} traffic
 * @param {{ folder: string, passes: number }} settings
 * @returns {Promise<import('./measure.mjs').Measured | string>} or why there is nothing to measure
 */
async function measure(bench, row, traffic, { folder, passes }) {
  if (row.command === undefined) return measureOwn(bench.name, row.name, traffic, passes);
  const command = row.command(traffic, folder);
  if (row.package === undefined || isInPath(command[0] ?? '')) return measureCommand(command, passes);
  return `not installed: ${installCommand([row.package])}`;
}
