// Captures with the packages as they were installed: the program, and a script of a user's own.
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Program } from '../program.mjs';

const PATHS = ['/first', '/second?x=1', '/third'];

/** Prints the frames of an HTTP exchange of its own, and what the capture says of itself. */
const SCRIPT = `
import { createServer } from 'node:http';
import { once } from 'node:events';
import { openCapture } from '@gor/capture/open-capture';

const server = createServer((request, response) => response.end('seen'));
await once(server.listen(0, '127.0.0.1'), 'listening');
const { port } = server.address();
const capture = await openCapture({ interfaces: ['lo'], ports: [port], onFrame: () => {} });
await fetch('http://127.0.0.1:' + port).then((response) => response.text());
await capture.close();
server.close();
server.closeAllConnections();
console.log(JSON.stringify({ engine: capture.engine, note: capture.note, ...capture.counters() }));
`;

/**
 * Runs the installed gor-listen on loopback, and rejects unless it shows each request.
 * @param {string} program path of the installed gor-listen
 * @param {'ring' | 'cap'} engine
 */
export async function listenLive(program, engine) {
  const server = createServer((_, response) => response.end('answer'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const flags = ['-i', 'lo', '-p', String(port), '--json', '--engine', engine];
  const listen = new Program('gor-listen', [program, ...flags]);
  try {
    await listen.ready(/ready: watching/);
    for (const path of PATHS) await fetch(`http://127.0.0.1:${port}${path}`).then((response) => response.text());
    await listen.stop();
  } finally {
    listen.kill();
    server.close();
    server.closeAllConnections();
  }
  const targets = listen.stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).target]));
  if (`${targets}` !== `${PATHS}`) throw new Error(`requests are missing: ${targets}\n${listen.stderr}`);
  return `${targets.length} requests`;
}

/**
 * Runs a script that imports @gor/capture/open-capture in a project; rejects unless it captured with the engine ring.
 * @param {string} project
 */
export async function importLive(project) {
  const file = join(project, 'capture.mjs');
  writeFileSync(file, SCRIPT);
  const script = new Program('a script that imports @gor/capture/open-capture', [file]);
  await script.ended();
  const { engine, frames, kernelDrops, note } = JSON.parse(script.stdout);
  if (engine !== 'ring' || frames < 4 || kernelDrops !== 0) throw new Error(script.stdout);
  return `${frames} frames${note === undefined ? '' : `, ${note}`}`;
}
