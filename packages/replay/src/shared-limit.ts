// One limit for several servers: who keeps the connection to the common authority, and tells each target's lease source
// when it is there and when it is away. Knows no socket: links do; time comes from the clock.

import type { Clock } from './clock.ts';
import type { LeaseSource } from './lease-stock.ts';
import { AWAY_MS, BEAT_MS, type Beat, type BeatMemory } from './member-beat.ts';
import { ReplayError } from './replay-error.ts';
import { SharedLease } from './shared-lease.ts';

/** An answer that took longer is looked for once more after GRACE_MS (this process may have been the slow one), then no more. */
const ANSWER_MS = 500;
const GRACE_MS = 250;

/** The pause between two tries to reach an authority that is away. */
const RETRY_MS = 300;

/** When an own share begins, after the last answer: by then the others have seen that this server is away. */
const ALONE_AFTER_MS = AWAY_MS + 2 * BEAT_MS;

/** The first member waits this long: where the authority lost its data, those that it knew are back by then. */
const SETTLE_MS = 2 * (ANSWER_MS + GRACE_MS + RETRY_MS);

/** How long leaving may take. */
const LEAVE_MS = 300;

/** One limit: all servers with the same url and rate share it. */
export interface LimitKey {
  readonly url: string;
  readonly ratePerSecond: number;
  readonly leaseTokens: number;
}

/** One connection to the authority; any error of it ends it. */
export interface AuthorityLink {
  readonly lease: (key: LimitKey, tokens: number) => Promise<number>;
  /** Says that this server is there, and hears who else is. */
  readonly beat: (key: LimitKey, memory: BeatMemory) => Promise<Beat>;
  /** Says that this server goes. */
  readonly leave: (key: LimitKey) => Promise<unknown>;
  /** Lets go at once, whatever still waits. */
  readonly close: () => void;
}

/** Makes a link; rejects with ReplayError. `onLost` is called once it is made and ends otherwise than by `close`. */
export type ConnectAuthority = (onLost: (error: ReplayError) => void) => Promise<AuthorityLink>;

/** What is told of a shared limit: each change of its state, once for all targets. */
export type SharedLimitEvent =
  /** The authority went away: each target goes on with its share, 1 of `members`, the most of any target. */
  | { readonly type: 'alone'; readonly error: ReplayError; readonly members: number }
  /** It is back. */
  | { readonly type: 'shared'; readonly members: number };

/** A limit that several servers share. `await using` closes it. */
export interface SharedLimit {
  /** For the replayer's option of this name. TypeError where a replayer that is not closed has the same target and limit. */
  readonly leaseSource: (url: string, ratePerSecond: number) => LeaseSource;
  /** Resolves when every target so far may lease; rejects with ReplayError where the authority went away before. */
  readonly joined: () => Promise<void>;
  /** Leaves the others, which takes no longer than 300 ms. Close the replayer first. May be called twice. */
  readonly close: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

interface Entry {
  readonly key: LimitKey;
  readonly lease: SharedLease;
  memory: BeatMemory;
  /** When it may lease, of this link; undefined before the first beat on it. */
  fromMs: number | undefined;
}

interface Joining {
  readonly resolve: () => void;
  readonly reject: (error: ReplayError) => void;
}

/** Keeps a link while it can be had, and beats on it for every target. */
export class SharedLimits implements SharedLimit {
  readonly #connect: ConnectAuthority;
  readonly #clock: Clock;
  readonly #onEvent: (event: SharedLimitEvent) => void;
  #entries: Entry[] = [];
  #link: AuthorityLink | undefined;
  #isSaidAway = false;
  #answeredMs = Number.NEGATIVE_INFINITY;
  #cancelTimer: (() => void) | undefined;
  #joining: Joining[] = [];
  #lostWith: ReplayError | undefined;
  #closing: Promise<void> | undefined;

  constructor(connect: ConnectAuthority, clock: Clock, onEvent: (event: SharedLimitEvent) => void) {
    this.#connect = connect;
    this.#clock = clock;
    this.#onEvent = onEvent;
  }

  /** Connects for the first time; rejects with ReplayError. Once, before anything else. */
  async open(): Promise<void> {
    this.#link = await this.#newLink();
  }

  readonly leaseSource = (url: string, ratePerSecond: number): LeaseSource => {
    if (this.#entries.some(({ key }) => key.url === url && key.ratePerSecond === ratePerSecond)) {
      throw new TypeError(`${url}|${ratePerSecond} has this shared limit already: close that replayer first`);
    }
    const lease = new SharedLease(ratePerSecond, this.#clock, () => this.#forget(lease));
    const key = { url, ratePerSecond, leaseTokens: lease.sizes.leaseTokens };
    this.#entries.push({ key, lease, memory: { generation: '', members: [] }, fromMs: undefined });
    if (this.#link !== undefined && this.#closing === undefined) this.#setTimer(0, this.#beat);
    return lease;
  };

  readonly joined = (): Promise<void> =>
    new Promise((resolve, reject) => {
      this.#joining.push({ resolve, reject });
      this.#tellJoining();
    });

  readonly close = (): Promise<void> => {
    this.#closing ??= this.#close();
    return this.#closing;
  };

  readonly [Symbol.asyncDispose] = (): Promise<void> => this.close();

  async #close(): Promise<void> {
    const link = this.#link;
    const entries = this.#entries;
    this.#link = undefined;
    this.#cancelTimer?.();
    await Promise.all(entries.map(({ lease }) => lease.close()));
    for (const { resolve } of this.#joining.splice(0)) resolve();
    if (link === undefined) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.schedule(LEAVE_MS, resolve);
      const left = Promise.all(entries.map(({ key }) => link.leave(key)));
      // Who cannot say good-bye is forgotten after a while.
      const go = (): void => {
        cancel();
        resolve();
      };
      left.then(go, go);
    });
    link.close();
  }

  /** Its replayer was closed: this server is no member of that limit any more. */
  #forget(lease: SharedLease): void {
    const link = this.#link;
    for (const entry of this.#entries) {
      if (entry.lease === lease) link?.leave(entry.key).catch((error: ReplayError) => this.#lost(link, error));
    }
    this.#entries = this.#entries.filter((entry) => entry.lease !== lease);
  }

  #newLink(): Promise<AuthorityLink> {
    let made: AuthorityLink | undefined;
    const lost = (error: ReplayError): void => this.#lost(made, error);
    return this.#connect(lost).then((link) => {
      made = link;
      return link;
    });
  }

  /** One timer: the next beat, the deadline of the one under way, or the next try. */
  #setTimer(delayMs: number, callback: () => void): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.schedule(delayMs, callback);
  }

  readonly #beat = (): void => {
    const link = this.#link;
    if (link === undefined) return;
    const entries = [...this.#entries];
    this.#awaitAnswer(link);
    Promise.all(entries.map(({ key, memory }) => link.beat(key, memory))).then(
      (beats) => {
        if (this.#link === link) this.#beaten(link, entries, beats);
      },
      (error: ReplayError) => this.#lost(link, error),
    );
  };

  #awaitAnswer(link: AuthorityLink): void {
    this.#setTimer(ANSWER_MS, () =>
      this.#setTimer(GRACE_MS, () => this.#lost(link, new ReplayError('no-answer', 'Redis does not answer'))),
    );
  }

  #beaten(link: AuthorityLink, entries: readonly Entry[], beats: readonly Beat[]): void {
    const nowMs = this.#clock.nowMs();
    this.#answeredMs = nowMs;
    for (const [at, entry] of entries.entries()) {
      const { generation, members, isNew, live, counted } = beats[at]!;
      const isFirst = entry.memory.generation === '';
      entry.memory = { generation, members };
      entry.lease.share(live, counted);
      if (entry.fromMs !== undefined) continue;
      entry.fromMs = isNew && isFirst ? nowMs + SETTLE_MS : nowMs;
      entry.lease.goShared((tokens) => link.lease(entry.key, tokens), entry.fromMs);
    }
    this.#setTimer(BEAT_MS, this.#beat);
    if (this.#isSaidAway) {
      this.#isSaidAway = false;
      this.#onEvent({ type: 'shared', members: this.#members() });
    }
    this.#tellJoining();
  }

  #lost(link: AuthorityLink | undefined, error: ReplayError): void {
    if (link === undefined || this.#link !== link) return;
    this.#link = undefined;
    this.#lostWith = error;
    link.close();
    for (const entry of this.#entries) {
      entry.fromMs = undefined;
      entry.lease.goAlone(this.#answeredMs + ALONE_AFTER_MS);
    }
    this.#tellJoining();
    if (!this.#isSaidAway) this.#onEvent({ type: 'alone', error, members: this.#members() });
    this.#isSaidAway = true;
    this.#setTimer(RETRY_MS, this.#retry);
  }

  readonly #retry = (): void => {
    this.#newLink().then(
      (link) => {
        if (this.#closing !== undefined) return link.close();
        this.#link = link;
        this.#beat();
      },
      () => {
        // Was said when it went away; nothing new until it is back.
        if (this.#closing === undefined) this.#setTimer(RETRY_MS, this.#retry);
      },
    );
  };

  #members(): number {
    return this.#entries.reduce((most, { lease }) => Math.max(most, lease.ledger().members), 0);
  }

  #tellJoining(): void {
    if (this.#joining.length === 0) return;
    if (this.#link === undefined && this.#lostWith !== undefined) {
      for (const { reject } of this.#joining.splice(0)) reject(this.#lostWith);
      return;
    }
    const nowMs = this.#clock.nowMs();
    if (this.#entries.some(({ fromMs }) => fromMs === undefined || fromMs > nowMs)) return;
    for (const { resolve } of this.#joining.splice(0)) resolve();
  }
}
