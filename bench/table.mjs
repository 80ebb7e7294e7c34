// From measured passes to figures, and from figures to a table.

/** @typedef {import('./measure.mjs').Measured} Measured */

/**
 * The figures of a row. Rates and costs are those of the best pass, `median…` those of the median one; `timesFloor` is
 * the ratio of best CPU times. A row that could not be measured has only `missing`.
 * @param {{ name: string, about: string, measured: Measured | string }} row
 * @param {{ packets: number, fileBytes: number, requests: number }} traffic
 * @param {Measured | string | undefined} floor
 */
export function figuresOf({ name, about, measured }, { packets, fileBytes, requests }, floor) {
  if (typeof measured === 'string') return { name, about, missing: measured };
  const wall = sorted(measured.passes.map(({ wallMs }) => wallMs));
  const cpu = sorted(measured.passes.map(({ cpuMs }) => cpuMs));
  const seconds = wall.best / 1000;
  return {
    ...{ name, about, passes: measured.passes.length },
    packetsPerSecond: packets / seconds,
    medianPacketsPerSecond: packets / (wall.median / 1000),
    megabytesPerSecond: fileBytes / 1e6 / seconds,
    requestsPerSecond: requests / seconds,
    cpuUsPerPacket: (cpu.best * 1000) / packets,
    medianCpuUsPerPacket: (cpu.median * 1000) / packets,
    cpuUsPerRequest: (cpu.best * 1000) / requests,
    peakRssMiB: measured.peakRssBytes === undefined ? null : measured.peakRssBytes / 1024 / 1024,
    timesFloor: typeof floor === 'object' ? cpu.best / sorted(floor.passes.map(({ cpuMs }) => cpuMs)).best : null,
  };
}

/** @typedef {ReturnType<typeof figuresOf>} Figures */

/** @type {readonly [head: string, cell: (row: Exclude<Figures, { missing: string }>) => string][]} */
const columns = [
  ['', ({ name }) => name],
  ['packets/s', ({ packetsPerSecond }) => whole(packetsPerSecond)],
  ['(median)', ({ medianPacketsPerSecond }) => whole(medianPacketsPerSecond)],
  ['MB/s', ({ megabytesPerSecond }) => whole(megabytesPerSecond)],
  ['requests/s', ({ requestsPerSecond }) => whole(requestsPerSecond)],
  ['CPU µs/packet', ({ cpuUsPerPacket }) => cpuUsPerPacket.toFixed(2)],
  ['(median)', ({ medianCpuUsPerPacket }) => medianCpuUsPerPacket.toFixed(2)],
  ['CPU µs/request', ({ cpuUsPerRequest }) => cpuUsPerRequest.toFixed(2)],
  ['× floor', ({ timesFloor }) => (timesFloor === null ? '–' : timesFloor.toFixed(1))],
  ['peak MiB', ({ peakRssMiB }) => (peakRssMiB === null ? '–' : whole(peakRssMiB))],
];

/**
 * Prints the table of a file bench.
 * @param {{ title: string, traffic: { packets: number, fileBytes: number, requests: number, responses: number }, rows: readonly Figures[] }} result
 * @param {{ node: string, processor: string, cores: number }} machine
 */
export function printTable({ title, traffic, rows }, { node, processor, cores }) {
  const { packets, fileBytes, requests, responses } = traffic;
  console.log(`\n${title}: ${whole(packets)} packets, ${whole(fileBytes / 1e6)} MB, ${whole(requests)} requests,`);
  console.log(`${whole(responses)} responses; Node ${node}, ${cores} × ${processor}\n`);
  printRows(columns, rows);
}

/**
 * Prints the measured rows under their columns, and behind them what each row is, or why it has no figures.
 * @template {{ name: string, about: string }} Row
 * @param {readonly (readonly [head: string, cell: (row: Exclude<Row, { missing: string }>) => string])[]} head
 * @param {readonly (Row | { name: string, about: string, missing: string })[]} rows
 */
export function printRows(head, rows) {
  const measured = rows.filter((row) => !('missing' in row));
  const lines = measured.map((row) =>
    head.map(([, cell]) => cell(/** @type {Exclude<Row, { missing: string }>} */ (row))),
  );
  const cells = [head.map(([name]) => name), ...lines];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  for (const row of cells) {
    const padded = row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)));
    console.log(padded.join('  '));
  }
  console.log('');
  for (const row of rows)
    console.log(`${row.name.padEnd(widths[0] ?? 0)}  ${'missing' in row ? row.missing : row.about}`);
}

/**
 * The smallest, and the one in the middle.
 * @param {readonly number[]} values
 */
export function sorted(values) {
  const ascending = [...values].sort((a, b) => a - b);
  const median = ascending[Math.floor(ascending.length / 2)] ?? Number.NaN;
  return { best: ascending[0] ?? Number.NaN, median };
}

/**
 * For people: no decimals, thousands apart.
 * @param {number} value
 */
export function whole(value) {
  return Math.round(value).toLocaleString('en-US');
}
