// Steps of a set-up or a demonstration: one line each, a step's log only where it fails.
import { spawn } from 'node:child_process';

/** A step failed; its log was printed. */
export class StepFailed extends Error {}

/**
 * Runs a step and prints one line for it. What it returns is shown behind its name, where that is a text.
 * @template T
 * @param {string} name
 * @param {() => Promise<T> | T} run
 * @returns {Promise<T>}
 */
export async function step(name, run) {
  const startedMs = performance.now();
  if (process.stderr.isTTY) process.stderr.write(`  … ${name}`);
  try {
    const result = await run();
    const note = typeof result === 'string' && result !== '' ? `: ${result}` : '';
    report('✔', `${name}${note} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`);
    return result;
  } catch (error) {
    report('✘', name);
    process.stderr.write(`${indented(error instanceof Error ? error.message : String(error))}\n`);
    throw error instanceof StepFailed ? error : new StepFailed(name, { cause: error });
  }
}

/**
 * A line that is no step of its own.
 * @param {string} line
 */
export function note(line) {
  process.stderr.write(`    ${line}\n`);
}

/**
 * Runs a command to its end without input; rejects with its output where it fails.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, input?: string }} [options]
 * @returns {Promise<string>} what it printed on both outputs
 */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: options.cwd, env: options.env ?? process.env });
    /** @type {Buffer[]} */
    const chunks = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.stdin.on('error', () => {}); // a command that does not read its input may end before it is written
    child.stdin.end(options.input ?? '');
    child.on('error', (error) => reject(new Error(`${command}: ${error.message}`)));
    child.on('close', (code, signal) => {
      const log = Buffer.concat(chunks).toString();
      if (code === 0) resolve(log);
      else reject(new Error(`${command} ${args.join(' ')}\nended with ${signal ?? `exit code ${code}`}\n${log}`));
    });
  });
}

/**
 * @param {string} mark
 * @param {string} line
 */
function report(mark, line) {
  process.stderr.write(`${process.stderr.isTTY ? '\r\x1b[K' : ''}  ${mark} ${line}\n`);
}

/** @param {string} text */
function indented(text) {
  return text.trimEnd().replaceAll(/^/gm, '      ');
}
