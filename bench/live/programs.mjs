// gor-listen and gor-replay as users run them, started and stopped, their ledgers read.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from './children.mjs';

const PACKAGES = new URL('../../packages/', import.meta.url);
let count = 0;

/** A running program of ours. @template Ledger */
export class OurProgram {
  child;
  /** @type {RegExpExecArray | undefined} */
  #ready;
  #file;

  /**
   * @param {'gor-listen' | 'gor-replay'} name
   * @param {readonly string[]} args
   * @param {{ folder: string, namespace?: string | undefined }} where a temporary folder, and the network namespace to run in
   */
  constructor(name, args, { folder, namespace }) {
    this.#file = join(folder, `ledger-${count++}.json`);
    const program = fileURLToPath(new URL(`${name}/bin/${name}.js`, PACKAGES));
    const command = [process.execPath, program, ...args, '--stats-interval', '0', '--ledger', this.#file];
    this.child = new Child(name, command, { namespace });
  }

  /** The port in the line that says it is ready; 0 where there is none. */
  get port() {
    return Number(this.#ready?.[1] ?? 0);
  }

  async ready() {
    this.#ready = await this.child.ready(/ready: (?:watching|listening on \S+?:(\d+))/);
    return this;
  }

  /**
   * Ends it as a user would and gives its ledger.
   * @returns {Promise<Ledger>}
   */
  async stop() {
    await this.child.stop();
    return JSON.parse(readFileSync(this.#file, 'utf8'));
  }
}

/**
 * @param {readonly string[]} args
 * @param {{ folder: string, namespace?: string | undefined }} where
 * @returns {Promise<OurProgram<import('gor-listen').ListenLedger>>}
 */
export function startListen(args, where) {
  return new OurProgram('gor-listen', args, where).ready();
}

/**
 * @param {readonly string[]} args
 * @param {{ folder: string, namespace?: string | undefined }} where
 * @returns {Promise<OurProgram<import('gor-replay').ReplayLedger>>}
 */
export function startReplay(args, where) {
  return new OurProgram('gor-replay', ['-ip', '127.0.0.1', '-p', '0', ...args], where).ready();
}
