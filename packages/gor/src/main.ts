// The program gor: finds the command and hands over to it.
import { createRequire } from 'node:module';
import { exitCodes, nearest, terminalText } from '@gor/cli';
import { commands } from './commands.ts';

const { version }: { version: string } = createRequire(import.meta.url)('../package.json');

/** Runs gor with these arguments; gives its exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command !== undefined) return command.run(rest);
  if (name === undefined) {
    process.stderr.write(helpText());
    return exitCodes.usage;
  }
  if (['-h', '--help', '-help', 'help'].includes(name)) {
    process.stdout.write(helpText());
    return exitCodes.done;
  }
  if (name === '--version' || name === '-version') {
    process.stdout.write(`${version}\n`);
    return exitCodes.done;
  }
  const guess = nearest(name, Object.keys(commands));
  process.stderr.write(
    `gor: unknown command ${terminalText(name)}${guess === undefined ? '' : `; did you mean ${guess}?`}\n`,
  );
  process.stderr.write('Try: gor --help\n');
  return exitCodes.usage;
}

function helpText(): string {
  const lines = Object.entries(commands).map(([name, { summary }]) => `  gor ${name.padEnd(8)} ${summary}`);
  return `Replays real HTTP traffic: gor listen on each production host, gor replay in front of staging.

Commands:
${lines.join('\n')}

Each has its own help: gor listen --help
`;
}
