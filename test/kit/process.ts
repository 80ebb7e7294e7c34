// Our programs as users run them: processes of their own, out of dist.
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { Program } from '../../scripts/program.mjs';

/** The programs by the names of their packages. */
export type ProgramName = 'gor' | 'gor-listen' | 'gor-replay';

/** How a process ended, and what it said. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where a program stands in the repository. */
export function programPath(name: ProgramName): string {
  return resolve(import.meta.dirname, `../../packages/${name}/bin/${name}.js`);
}

/** Starts a program that runs until it is stopped; `within` is the command that runs it, such as one that leads to another host. */
export function startProgram(name: ProgramName, args: readonly string[], within: readonly string[] = []): Program {
  const [command = process.execPath, ...rest] = [...within, process.execPath, programPath(name), ...args];
  return new Program(name, rest, command);
}

/** Runs a program to its end, `input` on its stdin. */
export function runToEnd(
  name: ProgramName,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  input: Uint8Array = new Uint8Array(0),
): Promise<Ended> {
  const child = spawn(process.execPath, [programPath(name), ...args], { env: { ...process.env, ...environment } });
  const ended = { code: null as number | null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    ended.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    ended.stderr += text;
  });
  child.stdin.on('error', () => {}); // a program that refuses its flags does not read its input
  child.stdin.end(input);
  return new Promise((resolveEnded, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolveEnded({ ...ended, code }));
  });
}
