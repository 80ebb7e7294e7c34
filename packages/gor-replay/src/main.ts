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
import { circuitText } from './circuit-text.ts';
import { keysOf, readAgain } from './key-changes.ts';
import { configureReplay, type ReplayConfig, type ReplayKeyFile, replayFlags } from './options.ts';
import { planLines } from './plan.ts';
import { type ReplayEvent, replay } from './replay.ts';
import type { ReplayLedger } from './replay-ledger.ts';
import { SessionLines, sessionText, shortageText, unopenedText } from './session-lines.ts';
import { sharedLimitText } from './shared-limit.ts';

const { version }: { version: string } = createRequire(import.meta.url)('../package.json');

/** The program under its name: `gor-replay`, or `gor replay`. */
export function replayProgram(name: string): ProgramDefinition<ReplayConfig & ReplayKeyFile> {
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
      [
        `${name} -f "http://staging.server|10" --shared-limit redis://redis.server`,
        '10 a second from all servers together',
      ],
      [`${name} --key-file gor.key --from 10.0.0.0/8`, 'sealed, and from these networks only'],
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

async function run(
  given: ReplayConfig & ReplayKeyFile,
  { output, signal, showStats }: RunContext,
): Promise<{ ledger: ReplayLedger }> {
  const { keyFile } = given;
  const config = keyFile === undefined ? given : { ...given, keys: keysOf(keyFile) };
  for (const line of planLines(config)) output.sayPlain(line);
  const sessions = new SessionLines();
  let onHangup: (() => void) | undefined;
  try {
    const ledger = await replay(config, {
      signal,
      onEvent: (event) => {
        if (event.type !== 'ready') return tell(event, output, sessions);
        showStats(() => statsLine(event.ledger()));
        if (keyFile !== undefined) {
          onHangup = () => output.warn(readAgain(keyFile, event.setKeys));
          process.on('SIGHUP', onHangup);
        }
        tellReady(event, config, output);
      },
      onOutcome: (outcome) => {
        if (output.isVerbose) output.detail(outcomeLine(outcome));
      },
    });
    return { ledger };
  } finally {
    if (onHangup !== undefined) process.off('SIGHUP', onHangup);
  }
}

type Ready = Extract<ReplayEvent, { type: 'ready' }>;

function tellReady(event: Ready, { keys }: ReplayConfig, output: RunContext['output']): void {
  if (keys === undefined && !event.isLoopback) {
    output.warn(
      'requests (cookies, tokens) travel readable, and whoever reaches the port can send some: --key-file on both sides seals them',
    );
  }
  const shortage = shortageText(event, process.platform === 'linux');
  if (shortage !== undefined) output.warn(shortage);
  output.say(`ready: listening on ${event.address}, kernel buffer ${formatBytes(event.receiveBufferBytes)}`);
}

function tell(event: Exclude<ReplayEvent, Ready>, output: RunContext['output'], sessions: SessionLines): void {
  switch (event.type) {
    case 'session': {
      const line = sessions.line(() => sessionText(event), performance.now());
      if (line !== undefined) output.say(line);
      return;
    }
    case 'unopened':
      return output.warn(unopenedText(event));
    case 'circuit':
      return output.warn(circuitText(event));
    case 'socket-error':
      return output.warn(`the socket had an error (${event.code}) and is read on`);
    case 'shared-limit':
      return event.change.type === 'alone'
        ? output.warn(sharedLimitText(event.change))
        : output.say(sharedLimitText(event.change));
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
  let repaired = 0;
  for (const session of ledger.sessions) {
    received += session.received;
    lost += session.lost;
    repaired += session.repaired;
  }
  const targets = ledger.targets.map((target) => {
    const left = target.received - target.answered - target.waiting;
    return `${target.url} ${formatCount(target.answered)} answered, ${formatCount(left)} not sent or failed`;
  });
  return [
    `${formatCount(received)} requests received, ${formatCount(lost)} lost on the way, ${formatCount(repaired)} repaired`,
    ...targets,
  ].join('; ');
}
