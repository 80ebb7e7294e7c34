// From argv and environment to flag values, with yargs. Values stay text here: each program gives them their meaning.
// Flags of several letters are taken with one dash, too (`-ip`, `-verbose`), as the first Gor took them.
import yargs, { type Options } from 'yargs';
import { flagsFromEnvironment, parseSwitch, variableOf } from './environment.ts';
import { nearest } from './nearest-flag.ts';
import { UsageError } from './usage-error.ts';

/** One flag of a program. */
export interface Flag {
  /** Without dashes: `max-body`. */
  readonly name: string;
  /** One letter, without its dash. */
  readonly letter?: string;
  /** `value` takes a text, `switch` takes none; a flag with `value` given twice is refused. */
  readonly kind: 'value' | 'switch';
  /** What stands where nothing was given, as somebody would type it. */
  readonly defaultText?: string;
  /** A line for the help. */
  readonly description: string;
}

/** A program as its command line and its help know it. */
export interface Program {
  /** `gor-listen`, or `gor listen`. */
  readonly name: string;
  readonly version: string;
  /** What it does, in a sentence. */
  readonly summary: string;
  /** The prefix of its environment variables: `GOR_LISTEN`. */
  readonly environmentPrefix: string;
  readonly flags: readonly Flag[];
  /** Whole command lines with what each does. */
  readonly examples: readonly (readonly [commandLine: string, description: string])[];
}

/** What the command line and the environment say. */
export interface FlagValues {
  /** The text of a `value` flag: the command line's, else the environment's, else its default; undefined without one. */
  readonly text: (name: string) => string | undefined;
  /** The same for a `value` flag that has a default: always a text. Throws TypeError for a flag without one. */
  readonly textOf: (name: string) => string;
  /** Whether a `switch` flag is on. */
  readonly on: (name: string) => boolean;
  /** Whether a flag was given, on the command line or in the environment. */
  readonly given: (name: string) => boolean;
}

/** The help or version text that was asked for, or the flags' values. Throws UsageError. */
export async function readFlags(
  program: Program,
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly show: string } | FlagValues> {
  const tokens = argv.map((token) => withTwoDashes(token, program.flags));
  const parser = parserOf(program);
  const parsed: Record<string, unknown> = await parser.parseAsync(tokens);
  if (parsed['help'] === true) return { show: await parser.getHelp() };
  if (parsed['version'] === true) return { show: program.version };
  refuseUnknown(program.flags, parsed, tokens);
  const names = program.flags.map((flag) => flag.name);
  const fromEnvironment = flagsFromEnvironment(program.environmentPrefix, names, environment);
  return valuesOf(program, parsed, fromEnvironment);
}

function parserOf(program: Program) {
  const options: Record<string, Options> = {};
  for (const flag of program.flags) {
    const alias = flag.letter === undefined ? {} : { alias: flag.letter };
    const isValue = flag.kind === 'value';
    const shown = flag.defaultText === undefined ? {} : { defaultDescription: flag.defaultText };
    options[flag.name] = {
      ...alias,
      ...shown,
      describe: flag.description,
      string: isValue,
      boolean: !isValue,
      requiresArg: isValue,
    };
  }
  const parser = yargs([])
    .scriptName(program.name)
    .locale('en')
    .usage(`${program.summary}\n\nUsage: $0 [options]`)
    .options(options)
    .parserConfiguration({
      'camel-case-expansion': false,
      'boolean-negation': false,
      'dot-notation': false,
      'parse-numbers': false,
    })
    .version(false)
    .help(false)
    .exitProcess(false)
    .option('help', { alias: 'h', boolean: true, describe: 'Show this help' })
    .option('version', { boolean: true, describe: 'Show the version' })
    .wrap(100)
    .epilogue(`Each flag can be set as ${program.environmentPrefix}_NAME in the environment, too.`)
    .fail((message, error) => {
      throw error instanceof UsageError ? error : new UsageError(explained(program.flags, message ?? error.message));
    });
  for (const [commandLine, description] of program.examples) parser.example(commandLine, description);
  return parser;
}

/** What yargs says, in our words where it does not name the flag. */
function explained(flags: readonly Flag[], message: string): string {
  const given = /^Not enough arguments following: (.*)$/.exec(message)?.[1];
  const flag = flags.find(({ name, letter }) => name === given || letter === given);
  return flag === undefined ? message : `--${flag.name} needs a value: ${flag.description}`;
}

/** `-ip` and `-ip=…` as `--ip`, where that is a flag. */
function withTwoDashes(token: string, flags: readonly Flag[]): string {
  const match = /^-([a-z][a-z-]+)(=.*)?$/s.exec(token);
  if (match === null) return token;
  const known = match[1] === 'help' || match[1] === 'version' || flags.some((flag) => flag.name === match[1]);
  return known ? `-${token}` : token;
}

function refuseUnknown(
  flags: readonly Flag[],
  parsed: Readonly<Record<string, unknown>>,
  tokens: readonly string[],
): void {
  const known = new Set(['_', '$0', 'help', 'h', 'version']);
  for (const flag of flags) known.add(flag.name).add(flag.letter ?? flag.name);
  const unknown = Object.keys(parsed).find((key) => !known.has(key));
  if (unknown !== undefined) {
    const isUnknown = (token: string) =>
      token.startsWith('-') && !known.has(token.replace(/^-+/, '').replace(/=.*$/s, ''));
    const token = tokens.find(isUnknown)?.replace(/=.*$/s, '') ?? `--${unknown}`;
    const guess = nearest(
      token.replace(/^-+/, ''),
      flags.map((flag) => flag.name),
    );
    throw new UsageError(`unknown flag ${token}${guess === undefined ? '' : `; did you mean --${guess}?`}`);
  }
  for (const token of tokens) {
    const [, name, value] = /^--?([a-z-]+)=(.*)$/s.exec(token) ?? [];
    const isSwitch = flags.some((flag) => flag.kind === 'switch' && (flag.name === name || flag.letter === name));
    if (isSwitch) parseSwitch(`--${name}`, value ?? '');
  }
  const stray = (parsed['_'] as unknown[])[0];
  if (stray !== undefined) throw new UsageError(`"${String(stray)}" belongs to no flag`);
}

function valuesOf(
  program: Program,
  parsed: Readonly<Record<string, unknown>>,
  environment: ReadonlyMap<string, string>,
): FlagValues {
  const texts = new Map<string, string>();
  const switches = new Set<string>();
  for (const flag of program.flags) {
    const given = parsed[flag.name];
    const variable = variableOf(program.environmentPrefix, flag.name);
    if (flag.kind === 'switch') {
      const fromEnvironment = environment.get(flag.name);
      if (lastOf(given) ?? (fromEnvironment !== undefined && parseSwitch(variable, fromEnvironment)))
        switches.add(flag.name);
      continue;
    }
    if (Array.isArray(given)) throw new UsageError(`--${flag.name} is given ${given.length} times`);
    const text = given ?? environment.get(flag.name) ?? flag.defaultText;
    if (text === '') throw new UsageError(`--${flag.name} has an empty value`);
    if (text !== undefined) texts.set(flag.name, String(text));
  }
  return {
    text: (name) => texts.get(name),
    textOf: (name) => {
      const text = texts.get(name);
      if (text === undefined) throw new TypeError(`--${name} has neither value nor default`);
      return text;
    },
    on: (name) => switches.has(name),
    given: (name) => parsed[name] !== undefined || environment.has(name),
  };
}

/** A switch that was given several times is what it was last. */
function lastOf(given: unknown): unknown {
  return Array.isArray(given) ? given.at(-1) : given;
}
