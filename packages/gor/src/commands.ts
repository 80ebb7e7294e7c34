// The commands of `gor`, each loaded only when it is called.
import { setFlagsFromString } from 'node:v8';

/** A command: its line in the help, and how to run it. */
export interface Command {
  readonly summary: string;
  /** Runs with the arguments behind the command's name; gives the exit code. */
  readonly run: (argv: readonly string[]) => Promise<number>;
}

/** All commands by name, in the order of the help. */
export const commands: Readonly<Record<string, Command>> = {
  listen: {
    summary: 'read HTTP requests off the network and send them to a replay server',
    run: async (argv) => {
      setFlagsFromString('--semi-space-growth-factor=1'); // as bin/gor-listen.js says why
      return (await import('gor-listen')).main(argv, 'gor listen');
    },
  },
  replay: {
    summary: 'receive captured requests and forward them to staging',
    run: async (argv) => (await import('gor-replay')).main(argv, 'gor replay'),
  },
  key: {
    summary: 'print a new key that both share, for --key-file',
    run: async (argv) => (await import('./key.ts')).main(argv),
  },
};
