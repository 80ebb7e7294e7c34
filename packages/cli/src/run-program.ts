// The frame of every gor program: flags, output, signals, statistics, ledger, exit code. It knows nothing of what runs inside.
import { fstatSync, ftruncateSync, openSync, writeFileSync } from 'node:fs';
import { type CommonOptions, commonFlags, readCommonOptions } from './common-flags.ts';
import { exitCodes } from './exit-codes.ts';
import { type FlagValues, type Program, readFlags } from './flags.ts';
import { ledgerLines } from './print-ledger.ts';
import { ProgramOutput } from './program-output.ts';
import { drainOnSignals } from './signals.ts';
import { terminalText } from './terminal-text.ts';
import { UsageError } from './usage-error.ts';

const STALLED_OUTPUT_MS = 2000;

/** What a program's run gets from its frame. */
export interface RunContext {
  readonly output: ProgramOutput;
  /** Aborted by the first SIGINT or SIGTERM, and when the reader of stdout goes away: drain and return. */
  readonly signal: AbortSignal;
  /** From now on this line is shown at every statistics interval. */
  readonly showStats: (line: () => string) => void;
}

/** A program: its flags, how to read them, and what it does with them. */
export interface ProgramDefinition<Config> extends Program {
  /** Flag values to a configuration; throws UsageError, and must have no effects. */
  readonly configure: (values: FlagValues) => Config;
  /** Runs to the end and gives the ledger, which the frame prints and writes; a failure is told after it. */
  readonly run: (config: Config, context: RunContext) => Promise<{ readonly ledger: object; readonly failure?: Error }>;
  /** The exit codes of the errors that `run` may throw, by their `code`; any other is 1. */
  readonly exitCodeOf: Readonly<Record<string, number>>;
}

/** Runs a program with this process's streams, signals and environment; gives its exit code. It never throws. */
export async function runProgram<Config>(
  definition: ProgramDefinition<Config>,
  argv: readonly string[],
): Promise<number> {
  const program = { ...definition, flags: [...definition.flags, ...commonFlags] };
  try {
    const values = await readFlags(program, argv, process.env);
    if ('show' in values) {
      process.stdout.write(`${values.show}\n`);
      return exitCodes.done;
    }
    const common = readCommonOptions(values);
    const config = definition.configure(values);
    return await runInFrame(definition, config, common);
  } catch (error) {
    return explain(definition, error);
  }
}

async function runInFrame<Config>(
  definition: ProgramDefinition<Config>,
  config: Config,
  common: CommonOptions,
): Promise<number> {
  const output = new ProgramOutput(definition.name, process.stdout, process.stderr, common.verbosity);
  const writeLedger = openLedger(common.ledgerFile, output);
  using signals = drainOnSignals(process, (code) => process.exit(code));
  signals.signal.addEventListener('abort', () =>
    output.say(`${signals.signal.reason}: draining; once more ends at once`),
  );
  process.stderr.on('error', () => {}); // nobody reads it any more: what is left to do is done all the same
  let timer: NodeJS.Timeout | undefined;
  const showStats = (line: () => string): void => {
    clearInterval(timer);
    if (common.statsIntervalMs > 0) timer = setInterval(() => output.stats(line()), common.statsIntervalMs);
  };
  try {
    const signal = AbortSignal.any([signals.signal, output.stdoutLost]);
    const { ledger, failure } = await definition.run(config, { output, signal, showStats });
    output.end();
    for (const line of ledgerLines(ledger)) output.sayPlain(line);
    writeLedger(ledger);
    await outputTaken(output, signals.signal);
    if (failure !== undefined) throw failure;
    return exitCodes.done;
  } finally {
    clearInterval(timer);
    output.end();
  }
}

/** Waits for the reader of stdout. After a signal readers get a bounded time: what they have not taken then is lost. */
async function outputTaken(output: ProgramOutput, signal: AbortSignal): Promise<void> {
  if (!signal.aborted) return output.dataTaken();
  // Fires only where something keeps the process alive, and that is output that nobody reads.
  const exit = (): never => process.exit(output.isDataWaiting ? exitCodes.failed : exitCodes.done);
  setTimeout(exit, STALLED_OUTPUT_MS).unref();
}

/** Opens the ledger's file at once, so that a bad path is known before anything starts; what is in it stays until the end. */
function openLedger(file: string | undefined, output: ProgramOutput): (ledger: unknown) => void {
  if (file === undefined) return () => {};
  if (file === '-') return (ledger) => output.lastData(JSON.stringify(ledger));
  try {
    const descriptor = openSync(file, 'a');
    return (ledger) => {
      if (fstatSync(descriptor).isFile()) ftruncateSync(descriptor);
      writeFileSync(descriptor, `${JSON.stringify(ledger, undefined, 2)}\n`);
    };
  } catch (error) {
    throw new Error(`--ledger: cannot write ${file}: ${messageOf(error)}`, { cause: error });
  }
}

/** One line for people, by what went wrong; the exit code. */
function explain<Config>(definition: ProgramDefinition<Config>, error: unknown): number {
  if (error instanceof UsageError) {
    process.stderr.write(`${definition.name}: ${terminalText(error.message)}\n`);
    process.stderr.write(`Try: ${definition.name} --help\n`);
    return exitCodes.usage;
  }
  process.stderr.write(`${definition.name}: ${terminalText(messageOf(error))}\n`);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return definition.exitCodeOf[code] ?? exitCodes.failed;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.replaceAll(/\s*\n\s*/g, ' ') : String(error);
}
