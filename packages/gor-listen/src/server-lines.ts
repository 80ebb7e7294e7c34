// What is said to people about the replay servers, and whether it is said with --quiet, too.
import { isLoopback } from '@gor/cli';
import type { ListenLedger, ReplayServerLedger } from './listen-ledger.ts';
import type { ListenConfig } from './options.ts';
import type { ReplayServer, ReplayServerEvent } from './request-sink.ts';

/** A line for people, and whether it is shown even with --quiet. */
export interface ServerLine {
  readonly text: string;
  readonly isWarning: boolean;
}

/** The line about an event. */
export function serverLine(news: ReplayServerEvent, { key }: ListenConfig): ServerLine {
  const { server, address } = news;
  switch (news.type) {
    case 'receiving':
      return {
        // What was lost meanwhile is known only when it has heard of it.
        text: `replay server ${server}: ${news.isBack ? 'receiving again' : `receiving, ${lossText(news)}`}`,
        isWarning: news.isBack,
      };
    case 'silent': {
      const orElse = key === undefined ? ', or it has a key' : ', or it has another key';
      return { text: `no replay server answers at ${server}${orElse}`, isWarning: true };
    }
    case 'readdressed':
      return { text: `replay server ${server}: is at ${address} now`, isWarning: true };
    case 'spread':
      return {
        text: `replay server ${server}: its connections go to ${news.to === 'others' ? 'the others, as long as it is silent' : 'it again'}`,
        isWarning: true,
      };
    case 'send-error':
      return { text: `sending to the replay server ${server} fails: ${news.code}`, isWarning: true };
  }
}

/** What is to be said, once, where requests leave this machine readable. */
export function readableText(config: ListenConfig, servers: readonly ReplayServer[]): string | undefined {
  const far = servers.filter(({ address }) => !isLoopback(address)).map(({ server }) => server);
  if (config.key !== undefined || far.length === 0) return undefined;
  return `requests (cookies, tokens) travel readable to ${far.join(', ')}: --key-file on both sides seals them`;
}

/** The end of the statistics line; empty where nothing is sent. */
export function lossOfAllText({ replayServers }: ListenLedger): string {
  if (replayServers.length === 0) return '';
  const heard = replayServers.filter(({ receiver }) => receiver.state === 'receiving');
  const received = sumOf(heard, 'received');
  const silent = replayServers.filter(({ receiver }) => receiver.state === 'silent').map((each) => each.replayServer);
  const texts = heard.length === 0 ? [] : [`${lossText({ received, lost: sumOf(heard, 'lost') })} on the way`];
  if (silent.length > 0) texts.push(`no answer from ${silent.join(', ')}`);
  return texts.map((text) => `, ${text}`).join('');
}

/** `nothing lost`, `0.02% lost`, `less than 0.01% lost`: of the requests that a replay server knows of. */
export function lossText({ received, lost }: { readonly received: number; readonly lost: number }): string {
  if (lost === 0) return 'nothing lost';
  const percent = (lost / (received + lost)) * 100;
  return percent < 0.01 ? 'less than 0.01% lost' : `${percent.toFixed(2)}% lost`;
}

function sumOf(servers: readonly ReplayServerLedger[], count: 'received' | 'lost'): number {
  return servers.reduce((sum, { receiver }) => sum + receiver[count], 0);
}
