// pcap-filter expressions to BPF programs for packets that begin with their IP header: by tcpdump, where it is installed.
// `tcpdump -ddd` prints a program and captures nothing (tcpdump(1)): it needs no rights.

import { execFile } from 'node:child_process';
import type { BpfInstruction } from '../bpf-program.ts';

/** In the PATH, and where system programs are. */
const programs = ['tcpdump', '/usr/sbin/tcpdump', '/sbin/tcpdump'] as const;
/** A name that has to be looked up may take this long. */
const timeoutMs = 10_000;
/** Some 40,000 instructions as text. */
const mostOutputBytes = 1024 * 1024;
/** Bytes of the link layer are no offsets in an IP packet, but tcpdump would take them for that. */
const linkLayerBytes = /\b(ether|link|fddi|tr|wlan|ppp|slip)\s*\[/;
/** BPF_JMP | BPF_JA. A jump back is one of nearly 2^32 instructions. */
const jump = 0x05;

/**
 * Why there is no program:
 * - `no-compiler`: tcpdump is not installed, or did not do its work.
 * - `link-layer`: the expression is valid where packets have a link-layer header.
 * - `loop`: it is valid, but its program jumps back (`protochain`), and the kernel runs no such programs.
 * - `invalid`: no valid expression at all.
 */
export type FilterRefusalReason = 'no-compiler' | 'link-layer' | 'loop' | 'invalid';

/** An expression that was not compiled. */
export interface FilterRefusal {
  readonly reason: FilterRefusalReason;
  /** In tcpdump's words, where it has some. */
  readonly message: string;
}

/** The program for an expression; it ends with what it lets pass whole. Never rejects. */
export async function compileFilter(expression: string): Promise<readonly BpfInstruction[] | FilterRefusal> {
  const link = linkLayerBytes.exec(expression);
  const compiled = await runTcpdump('RAW', expression);
  if ('reason' in compiled && compiled.reason !== 'invalid') return compiled;
  if ('reason' in compiled) {
    const ethernet = await runTcpdump('EN10MB', expression);
    return 'reason' in ethernet ? ethernet : { reason: 'link-layer', message: compiled.message };
  }
  if (link !== null) return { reason: 'link-layer', message: `${link[1]}[…] reads the link-layer header` };
  return parseProgram(compiled.output);
}

type TcpdumpOutput = { readonly output: string };

async function runTcpdump(linkType: string, expression: string): Promise<TcpdumpOutput | FilterRefusal> {
  // Behind `--` nothing is an option.
  const args = ['-y', linkType, '-ddd', '--', expression];
  for (const program of programs) {
    const result = await run(program, args);
    if (result !== undefined) return result;
  }
  return { reason: 'no-compiler', message: 'tcpdump, which compiles filter expressions, is not installed' };
}

/** Undefined where there is no such program. */
function run(program: string, args: readonly string[]): Promise<TcpdumpOutput | FilterRefusal | undefined> {
  const options = { timeout: timeoutMs, maxBuffer: mostOutputBytes, encoding: 'utf8' } as const;
  return new Promise((resolve) => {
    try {
      execFile(program, args, options, (error, output, words) => {
        if (error === null) resolve({ output });
        else if (error.code === 'ENOENT') resolve(undefined);
        else if (typeof error.code === 'number') resolve({ reason: 'invalid', message: tcpdumpWords(words) });
        else resolve({ reason: 'no-compiler', message: `tcpdump did not compile it: ${failureOf(error)}` });
      });
    } catch (error) {
      // An expression with a zero byte in it is thrown back at once.
      resolve({ reason: 'invalid', message: error instanceof Error ? error.message : String(error) });
    }
  });
}

function failureOf(error: {
  readonly message: string;
  readonly killed?: boolean | undefined;
  readonly code?: unknown;
}): string {
  if (error.killed === true && error.code === null) return `it did not end within ${timeoutMs / 1000} s`;
  return String(error.code ?? error.message);
}

/** The last line without the program's name. */
function tcpdumpWords(text: string): string {
  const line = text.trim().split('\n').at(-1) ?? '';
  return line.replace(/^\S*tcpdump: /, '') || 'tcpdump refuses it';
}

/** A line with the number of instructions, then one for each: code, jt, jf, k. */
function parseProgram(output: string): readonly BpfInstruction[] | FilterRefusal {
  const lines = output.trim().split('\n');
  const instructions = lines.slice(1).map((line) => line.split(' ').map(Number));
  const isProgram = instructions.every((fields) => fields.length === 4 && fields.every(Number.isInteger));
  if (instructions.length === 0 || instructions.length !== Number(lines[0]) || !isProgram) {
    return { reason: 'no-compiler', message: 'tcpdump printed something else than a program' };
  }
  if (instructions.some(([code, , , k = 0], at) => code === jump && at + k >= instructions.length)) {
    return { reason: 'loop', message: 'it takes a loop (protochain)' };
  }
  return instructions.map(([code = 0, jt = 0, jf = 0, k = 0]) => ({ code, jt, jf, k }));
}
