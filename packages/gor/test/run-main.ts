// The program gor in this process, with what it prints caught.
import { vi } from 'vitest';
import { main } from '../src/index.ts';

/** What a run came to. */
export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The exit code, and what was printed where. */
export async function run(...argv: string[]): Promise<Run> {
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      printed[name] += String(text);
      return true;
    });
  }
  try {
    return { code: await main(argv), ...printed };
  } finally {
    vi.restoreAllMocks();
  }
}
