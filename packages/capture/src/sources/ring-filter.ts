// Which BPF program a ring gets: from the ports, or from the user's expression; and the reasons why there is none.

import { type BpfInstruction, bpfProgram, filteredProgram, mostBpfInstructions } from '../bpf-program.ts';
import { CaptureError } from '../errors.ts';
import { compileFilter, type FilterRefusal } from './filter-compiler.ts';

/**
 * The program for the filter, or, without one, for the ports. Rejects with CaptureError `bad-filter`; where another
 * engine could take the filter and `isOnlyEngine` is not set, with `no-engine`.
 */
export async function ringProgram(
  ports: readonly number[],
  filter: string | undefined,
  isOnlyEngine: boolean,
): Promise<BpfInstruction[]> {
  if (filter === undefined) return bpfProgram(ports);
  const compiled = await compileFilter(filter);
  if ('reason' in compiled) throw refusalError(filter, compiled, isOnlyEngine);
  const program = filteredProgram(compiled);
  if (program.length <= mostBpfInstructions) return program;
  const most = mostBpfInstructions - (program.length - compiled.length);
  throw new CaptureError(
    'bad-filter',
    `The filter "${shortened(filter)}" is too long: it takes ${compiled.length} instructions of the kernel's filter, and at most ${most} fit.`,
  );
}

function refusalError(filter: string, { reason, message }: FilterRefusal, isOnlyEngine: boolean): CaptureError {
  const name = `The filter "${shortened(filter)}"`;
  if (reason === 'invalid') return new CaptureError('bad-filter', `${name} is not valid: ${message}.`);
  const code = isOnlyEngine ? 'bad-filter' : 'no-engine';
  if (reason === 'link-layer') {
    const hint = isOnlyEngine ? ' The engine cap takes it.' : '';
    return new CaptureError(
      code,
      `${name} is about the link layer, and the engine ring sees packets from their IP header on: ${message}.${hint}`,
    );
  }
  if (reason === 'loop') {
    const hint = isOnlyEngine ? ' The engine cap takes it.' : '';
    return new CaptureError(
      code,
      `${name} is not one for the kernel, where the engine ring filters: ${message}.${hint}`,
    );
  }
  const otherEngine = isOnlyEngine ? ', or use the engine cap' : '';
  const hint = `To have it: apt-get install tcpdump${otherEngine}.`;
  return new CaptureError(code, `${name} needs tcpdump for the engine ring: ${message}. ${hint}`);
}

/** An expression can be as long as the command line; an error has a line or two. */
function shortened(filter: string): string {
  return filter.length <= 200 ? filter : `${filter.slice(0, 200)}…`;
}
