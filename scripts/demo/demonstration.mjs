// The main job, shown with the real programs as processes of their own: production, staging, gor-replay, gor-listen.
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { Program } from '../program.mjs';
import { StepFailed, step } from '../setup/step.mjs';
import { CaptureTap } from './capture-tap.mjs';
import { sendRequests } from './client.mjs';
import { comparison } from './comparison.mjs';

const REQUESTS = 3000;
const SERVER = 'scripts/demo/server.mjs';

export class Demonstration {
  #folder;
  #live;
  #hosts = ['127.0.0.1', ...(hasIpv6() ? ['::1'] : [])];
  /** @type {Program[]} */
  #programs = [];

  /**
   * @param {string} folder for its files
   * @param {boolean} live capture on loopback, or play a capture file
   */
  constructor(folder, live) {
    this.#folder = folder;
    this.#live = live;
  }

  /** @returns {Promise<boolean>} whether staging got what production got */
  async run() {
    try {
      return await this.#run();
    } finally {
      for (const program of this.#programs) program.kill();
    }
  }

  async #run() {
    const bind = this.#hosts.length > 1 ? '::' : '0.0.0.0';
    const production = this.#start('production', [SERVER, bind]);
    const staging = this.#start('staging', [SERVER, '127.0.0.1']);
    const productionPort = await step('start production', () => portOf(production));
    const stagingPort = await step('start staging', () => portOf(staging));
    const replayLedger = join(this.#folder, 'replay.json');
    const replay = this.#start('gor-replay', [
      ...['packages/gor-replay/bin/gor-replay.js', '-f', `http://127.0.0.1:${stagingPort}`],
      ...['-ip', '127.0.0.1', '-p', '0', '--ledger', replayLedger],
    ]);
    const [, wirePort = ''] = await step('start gor-replay', () => replay.ready(/ready: listening on \S+:(\d+)/));
    const listenLedger = join(this.#folder, 'listen.json');
    const sink = ['-r', `127.0.0.1:${wirePort}`, '--ledger', listenLedger];
    await (this.#live ? this.#captureLive(productionPort, sink) : this.#playFile(productionPort, bind, sink));
    await step('stop gor-replay: it drains and counts', () => replay.stop().then(() => ''));
    const notes = await step('collect what both servers got', () => this.#notesOf(production, staging));
    return this.#report(
      notes,
      JSON.parse(readFileSync(listenLedger, 'utf8')),
      JSON.parse(readFileSync(replayLedger, 'utf8')),
    );
  }

  /**
   * @param {number} productionPort
   * @param {readonly string[]} sink
   */
  async #captureLive(productionPort, sink) {
    const args = ['packages/gor-listen/bin/gor-listen.js', '-i', 'lo', '-p', String(productionPort), ...sink];
    const listen = this.#start('gor-listen', args);
    await step('start gor-listen on loopback', () => listen.ready(/ready: watching/).then(() => ''));
    await step(`send ${REQUESTS} requests to production`, () => sendRequests(this.#hosts, productionPort, REQUESTS));
    await step('stop gor-listen: it drains and counts', () => listen.stop());
  }

  /**
   * @param {number} productionPort
   * @param {string} bind
   * @param {readonly string[]} sink
   */
  async #playFile(productionPort, bind, sink) {
    const file = join(this.#folder, 'production.pcap');
    const tap = new CaptureTap(file, productionPort);
    const tapPort = await tap.listen(bind);
    await step(`send ${REQUESTS} requests to production, written to a capture file`, async () => {
      await sendRequests(this.#hosts, tapPort, REQUESTS);
      await tap.close();
    });
    const args = ['packages/gor-listen/bin/gor-listen.js', '--pcap', file, '-p', String(tapPort), ...sink];
    const listen = this.#start('gor-listen', args);
    await step('play the file with gor-listen at its recorded speed', () => listen.ended());
  }

  /**
   * @param {Program} production
   * @param {Program} staging
   */
  async #notesOf(production, staging) {
    await Promise.all([production.stop(), staging.stop()]);
    return { production: JSON.parse(production.stdout), staging: JSON.parse(staging.stdout) };
  }

  /**
   * @param {{ production: import('./server.mjs').Note[], staging: import('./server.mjs').Note[] }} notes
   * @param {any} listen ledger
   * @param {any} replay ledger
   */
  #report(notes, listen, replay) {
    const compared = comparison(notes.production, notes.staging);
    const [session] = replay.sessions;
    const [target] = replay.targets;
    process.stderr.write(`
    production got   ${notes.production.length} requests (${this.#hosts.length > 1 ? 'IPv4 and IPv6' : 'IPv4 only: this machine has no IPv6'})
    captured         ${listen.captured}, sent ${listen.sent}, dropped ${JSON.stringify(listen.dropped)}
    over the wire    ${session?.sent} sent, ${session?.received} received, ${session?.lost} lost
    to staging       ${target.received} due, ${target.answered} answered, failed ${JSON.stringify(target.failed)}
    staging got      ${notes.staging.length} requests: ${compared.identical} identical, ${compared.missing} missing, ${compared.doubled} doubled, ${compared.changed} changed
    compared         method, target, every header in order, body digest; but for the changes that outgoing.ts lists

`);
    for (const line of compared.examples) process.stderr.write(`    ${line}\n`);
    const complete = compared.identical === REQUESTS && notes.production.length === REQUESTS;
    if (!complete) process.stderr.write('    NOT the same: see above.\n');
    return complete && compared.missing + compared.doubled + compared.changed === 0;
  }

  /**
   * @param {string} name
   * @param {readonly string[]} args
   */
  #start(name, args) {
    const program = new Program(name, args);
    this.#programs.push(program);
    return program;
  }
}

/** @param {Program} server */
async function portOf(server) {
  const [, port] = await server.ready(/ready on port (\d+)/);
  if (port === undefined) throw new StepFailed('no port');
  return Number(port);
}

function hasIpv6() {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'));
}
