// Whether somebody is at the other end, as far as reports and refusals tell: a pure state machine over time. While
// datagrams are refused a probe goes out each 250 ms, and enough probes in a row without a refusal, or a report, mean that
// somebody is back. docs/wire-protocol.md, "Sender".

const PROBE_INTERVAL_MS = 250;
/** Without a report for so long: nobody answers. From the start a little less, so that it is said within two seconds. */
const SILENT_AFTER_MS = 2000;
const FIRST_SILENT_AFTER_MS = 1900;

// A Linux host answers each probe on its own loopback, but limits refusals to others to one a second (icmp_ratelimit):
// there a silence of less than that says nothing.
const QUIET_PROBES_ON_LOOPBACK = 1;
const QUIET_PROBES_ELSEWHERE = 5;

/** What is known of the other end: nothing yet; reports come; none came for 2 s, or datagrams are refused. */
export type ReceiverState = 'unknown' | 'receiving' | 'silent';

/** What a sender tells of its receiver, each once a change. */
export interface ReceiverNews {
  readonly type: 'receiving' | 'silent';
}

/** The other end's states; times in milliseconds that never go back. */
export class Reachability {
  readonly #onNews: (news: ReceiverNews) => void;
  #quietProbesNeeded: number;
  #state: ReceiverState = 'unknown';
  #silentTimes = 0;
  /** When the last report came, or the start. */
  #heardMs: number;
  #isDown = false;
  #nextProbeMs = 0;
  #probesUnrefused = 0;

  constructor(isLoopback: boolean, onNews: (news: ReceiverNews) => void, nowMs: number) {
    this.#onNews = onNews;
    this.#quietProbesNeeded = isLoopback ? QUIET_PROBES_ON_LOOPBACK : QUIET_PROBES_ELSEWHERE;
    this.#heardMs = nowMs;
  }

  get state(): ReceiverState {
    return this.#state;
  }

  /** How often it became silent. */
  get silentTimes(): number {
    return this.#silentTimes;
  }

  /** When the last report came, or the start where none did; undefined unless the state is `silent`. */
  get silentSinceMs(): number | undefined {
    return this.#state === 'silent' ? this.#heardMs : undefined;
  }

  /** True from a refusal until it is known that somebody listens again. */
  get isDown(): boolean {
    return this.#isDown;
  }

  /** Whether a report came within the last 2 s. */
  isHeard(nowMs: number): boolean {
    return this.#state === 'receiving' && nowMs - this.#heardMs < SILENT_AFTER_MS;
  }

  /** Notes a report. */
  heard(nowMs: number): void {
    this.#heardMs = nowMs;
    this.#isDown = false;
    if (this.#state === 'receiving') return;
    this.#state = 'receiving';
    this.#onNews({ type: 'receiving' });
  }

  /** Notes that a datagram was refused. */
  refused(nowMs: number): void {
    this.#probesUnrefused = 0;
    if (this.#isDown) return;
    this.#isDown = true;
    this.#nextProbeMs = nowMs + PROBE_INTERVAL_MS;
    this.#fallSilent();
  }

  /** Notes that datagrams go to another address from now on: whether somebody is there, the next probes tell. */
  readdressed(isLoopback: boolean): void {
    this.#quietProbesNeeded = isLoopback ? QUIET_PROBES_ON_LOOPBACK : QUIET_PROBES_ELSEWHERE;
    this.#probesUnrefused = 0;
  }

  /** Notes how time went on; true where a probe is due, which is then taken as sent. */
  advance(nowMs: number): boolean {
    if (this.#silenceMs(nowMs) <= 0) this.#fallSilent();
    if (!this.#isDown || nowMs < this.#nextProbeMs) return false;
    if (this.#probesUnrefused >= this.#quietProbesNeeded) {
      this.#isDown = false;
      this.#probesUnrefused = 0;
      return false;
    }
    this.#probesUnrefused++;
    this.#nextProbeMs = nowMs + PROBE_INTERVAL_MS;
    return true;
  }

  /** How long until `advance` has something to note. */
  waitMs(nowMs: number): number {
    const probeMs = this.#isDown ? this.#nextProbeMs - nowMs : Number.POSITIVE_INFINITY;
    return Math.max(0, Math.min(probeMs, this.#silenceMs(nowMs)));
  }

  /** How long until no report means silence. */
  #silenceMs(nowMs: number): number {
    if (this.#state === 'silent') return Number.POSITIVE_INFINITY;
    return this.#heardMs + (this.#state === 'unknown' ? FIRST_SILENT_AFTER_MS : SILENT_AFTER_MS) - nowMs;
  }

  #fallSilent(): void {
    if (this.#state === 'silent') return;
    this.#state = 'silent';
    this.#silentTimes++;
    this.#onNews({ type: 'silent' });
  }
}
