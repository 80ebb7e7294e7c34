// The program gor-replay: flags to configuration, one call of replay(), and what it says to people.
import { createRequire } from 'node:module';
import {
  exitCodes,
  formatBytes,
  formatCount,
  type ProgramDefinition,
  type RunContext,
  runProgram,
  terminalText,
} from '@gor/cli';
import type { Outcome } from '@gor/replay';
import { configureReplay, type ReplayConfig, replayFlags } from './options.ts';
import { planLines } from './plan.ts';
import { type ReplayEvent, replay } from './replay.ts';
import type { ReplayLedger } from './replay-ledger.ts';
import { SessionLines } from './session-lines.ts';

const { version }: { version: string } = createRequire(import.meta.url)('../package.json');

/** The program under its name: `gor-replay`, or `gor replay`. */
export function replayProgram(name: string): ProgramDefinition<ReplayConfig> {
  return {
    name,
    version,
    summary: 'Receives captured HTTP requests and forwards them to staging.',
    environmentPrefix: 'GOR_REPLAY',
    flags: replayFlags,
    examples: [
      [`${name} -f "http://staging.server|10,http://dev.server|5"`, 'at most 10 and 5 requests a second'],
      [`${name} -f "http://staging.server|10%"`, 'a tenth of the connections, each whole'],
      [`${name} -ip 0.0.0.0 -p 28020`, 'where listeners send to'],
    ],
    configure: configureReplay,
    run,
    exitCodeOf: { 'no-permission': exitCodes.noPermission },
  };
}

/** Runs gor-replay with these arguments; gives its exit code. */
export function main(argv: readonly string[], name = 'gor-replay'): Promise<number> {
  return runProgram(replayProgram(name), argv);
}

async function run(config: ReplayConfig, { output, signal, showStats }: RunContext): Promise<{ ledger: ReplayLedger }> {
  for (const line of planLines(config)) output.sayPlain(line);
  const sessions = new SessionLines();
  const ledger = await replay(config, {
    signal,
    onEvent: (event) => {
      if (event.type === 'ready') showStats(() => statsLine(event.ledger()));
      tell(event, output, sessions);
    },
    onOutcome: (outcome) => {
      if (output.isVerbose) output.detail(outcomeLine(outcome));
    },
  });
  return { ledger };
}

function tell(event: ReplayEvent, output: RunContext['output'], sessions: SessionLines): void {
  switch (event.type) {
    case 'ready':
      return output.say(`ready: listening on ${event.address}, kernel buffer ${formatBytes(event.receiveBufferBytes)}`);
    case 'session': {
      const line = sessions.line(`session ${event.id} from ${event.address} ${event.state}`, performance.now());
      if (line !== undefined) output.say(line);
      return;
    }
    case 'socket-error':
      return output.warn(`the socket had an error (${event.code}) and is read on`);
    case 'results-failed':
      return output.warn(`results are not written any more: ${event.error.message}`);
  }
}

function outcomeLine(outcome: Outcome): string {
  const end = outcome.failure ?? outcome.status;
  return terminalText(`${outcome.method} ${outcome.requestTarget} to ${outcome.target}: ${end}`);
}

function statsLine(ledger: ReplayLedger): string {
  let received = 0;
  let lost = 0;
  for (const session of ledger.sessions) {
    received += session.received;
    lost += session.lost;
  }
  const targets = ledger.targets.map((target) => {
    const left = target.received - target.answered - target.waiting;
    return `${target.url} ${formatCount(target.answered)} answered, ${formatCount(left)} not sent or failed`;
  });
  return [`${formatCount(received)} requests received, ${formatCount(lost)} lost on the way`, ...targets].join('; ');
}
