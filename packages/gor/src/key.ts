// The command `gor key`: a new key for --key-file, and nothing else, on stdout.
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { exitCodes, terminalText } from '@gor/cli';

const { version }: { version: string } = createRequire(import.meta.url)('../package.json');

const KEY_BYTES = 32;

const HELP = `Prints a new key for --key-file of gor listen and gor replay: 64 hexadecimal digits.

Usage: gor key

Examples:
  (umask 077; gor key > gor.key)     into a file that only you can read
  (umask 077; gor key >> gor.key)    one more, to change keys without a gap: docs/operating.md
`;

/** Runs `gor key` with the arguments behind its name; gives its exit code. */
export function main(argv: readonly string[]): number {
  const [word] = argv;
  if (word === undefined) process.stdout.write(`${randomBytes(KEY_BYTES).toString('hex')}\n`);
  else if (['-h', '--help', '-help'].includes(word)) process.stdout.write(HELP);
  else if (word === '--version' || word === '-version') process.stdout.write(`${version}\n`);
  else {
    process.stderr.write(`gor key: takes no arguments, and there is ${terminalText(word)}\nTry: gor key --help\n`);
    return exitCodes.usage;
  }
  return exitCodes.done;
}
