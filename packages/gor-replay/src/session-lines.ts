// Lines about sessions at a bounded rate: whoever reaches the port can start as many sessions as they like.
import { formatBytes, formatCount } from '@gor/cli';
import type { ReplayEvent } from './replay.ts';

type Ready = Extract<ReplayEvent, { type: 'ready' }>;

const WINDOW_MS = 10_000;
const LINES_A_WINDOW = 20;

/** Lets the first lines of each ten seconds pass, and says how many it left out before. */
export class SessionLines {
  #windowStartMs = Number.NEGATIVE_INFINITY;
  #passed = 0;
  #leftOut = 0;

  /** The line to show, if any; its text is made only then. `nowMs` is monotonic. */
  line(text: () => string, nowMs: number): string | undefined {
    if (nowMs - this.#windowStartMs >= WINDOW_MS) {
      this.#windowStartMs = nowMs;
      this.#passed = 0;
    }
    if (this.#passed === LINES_A_WINDOW) {
      this.#leftOut += 1;
      return undefined;
    }
    this.#passed += 1;
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    return leftOut === 0 ? text() : `${text()} (${leftOut} lines like this one left out before)`;
  }
}

/** What is said about a session that started or ended; at its end with what became of its requests. */
export function sessionText({ id, address, state, counts }: Extract<ReplayEvent, { type: 'session' }>): string {
  const text = `session ${id} from ${address} ${state}`;
  const ledger = state === 'ended' ? counts() : undefined;
  if (ledger === undefined) return text;
  const { sent, received, repaired, lost, beforeStart, duplicates } = ledger;
  const numbers = Object.entries({ sent, received, repaired, lost, 'before start': beforeStart });
  const parts = numbers.map(([name, count]) => `${formatCount(count)} ${name}`);
  return `${text}: requests ${parts.join(', ')}; ${formatCount(duplicates)} datagrams twice`;
}

/** What is said, once a minute, about datagrams that are sealed otherwise than is expected here. */
export function unopenedText({ reason, address, datagrams }: Extract<ReplayEvent, { type: 'unopened' }>): string {
  const count = datagrams === 1 ? '1 datagram' : `${formatCount(datagrams)} datagrams`;
  return `${count} refused, the last from ${address}: ${unopenedTexts[reason]}`;
}

const unopenedTexts: Readonly<Record<Extract<ReplayEvent, { type: 'unopened' }>['reason'], string>> = {
  sealed: 'sealed, and there is no key here: give --key-file',
  'not-sealed': 'not sealed: give the listener the key, by --key-file',
  'unknown-key': 'sealed with a key that is not in the file here',
  forged: 'sealed with another key than they say, or changed on the way',
  unconfirmed: 'held for 1 s, and the listener did not hear the reports: a recording, or a firewall on the way back',
};

/**
 * What is said where the kernel gave less than half of the receive buffer that was asked for; sizes as net.core.rmem_max has
 * them, of which Linux gives and counts twice as much.
 */
export function shortageText(
  { receiveBufferBytes, askedBufferBytes }: Pick<Ready, 'receiveBufferBytes' | 'askedBufferBytes'>,
  isLinux: boolean,
): string | undefined {
  if (receiveBufferBytes >= askedBufferBytes / 2) return undefined;
  const counted = isLinux ? 2 : 1;
  const [given, asked] = [receiveBufferBytes / counted, askedBufferBytes / counted];
  const remedy = isLinux ? `; sysctl -w net.core.rmem_max=${asked}, then start again` : '';
  return `the kernel gave a receive buffer of ${formatBytes(given)} instead of ${formatBytes(asked)}: bursts may be lost${remedy}`;
}
