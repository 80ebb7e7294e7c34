// A forwarder for tests with a virtual clock: it notes what it was given, and ends requests when the test says so.

import type {
  Clock,
  FailedReason,
  Forwarder,
  ForwardHandle,
  ForwardListener,
  ReplayRequest,
  SkippedReason,
} from '../src/index.ts';

/** What becomes of one request; it never ends by itself where `answerAfterMs` is missing. */
export interface Fate {
  /** How long it takes to get to a socket. */
  readonly connectMs: number;
  /** From the socket to its end. */
  readonly answerAfterMs: number | undefined;
  /** It ends so, without having been on a socket, instead of being sent. */
  readonly unsent?: FailedReason | undefined;
}

interface Given {
  readonly request: ReplayRequest;
  readonly listener: ForwardListener;
  readonly atMs: number;
  readonly cancels: (() => void)[];
  isOver: boolean;
}

export class ScriptedForwarder implements Forwarder {
  readonly given: Given[] = [];
  /** When given, each request is answered after this long. */
  answerAfterMs: number | undefined;
  /** How long a request takes to get to a socket. */
  connectMs = 0;
  /** When given, asked for each request, instead of the two above. */
  fate: (() => Fate) | undefined;
  isClosed = false;
  inFlight = 0;
  mostInFlight = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Targets of the requests given so far. */
  get order(): string[] {
    return this.given.map(({ request }) => request.target);
  }

  readonly refusal = (request: ReplayRequest): SkippedReason | undefined =>
    request.method === 'CONNECT' ? 'connect' : undefined;

  readonly forward = (request: ReplayRequest, listener: ForwardListener): ForwardHandle => {
    const given: Given = { request, listener, atMs: this.#clock.nowMs(), cancels: [], isOver: false };
    this.given.push(given);
    this.inFlight += 1;
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    this.#meet(given, this.fate?.() ?? { connectMs: this.connectMs, answerAfterMs: this.answerAfterMs });
    return { abort: (reason) => this.#end(given, reason) };
  };

  /** Ends the request with this target, answered where no reason is given. */
  end(target: string, reason?: FailedReason | 'cannot-send'): void {
    const given = this.given.find(({ request, isOver }) => !isOver && request.target === target);
    if (given === undefined) throw new Error(`${target} is not in flight`);
    this.#end(given, reason);
  }

  readonly close = async (): Promise<void> => {
    this.isClosed = true;
  };

  #meet(given: Given, { connectMs, answerAfterMs, unsent }: Fate): void {
    const later = (afterMs: number, callback: () => void): void =>
      void given.cancels.push(this.#clock.schedule(afterMs, callback));
    if (unsent !== undefined) return later(connectMs, () => this.#end(given, unsent));
    if (connectMs === 0) given.listener.onSent();
    else later(connectMs, () => given.listener.onSent());
    if (answerAfterMs !== undefined) later(connectMs + answerAfterMs, () => this.#end(given, undefined));
  }

  #end(given: Given, reason: FailedReason | 'cannot-send' | undefined): void {
    if (given.isOver) return;
    given.isOver = true;
    for (const cancel of given.cancels) cancel();
    this.inFlight -= 1;
    if (reason === undefined) given.listener.onStatus(200);
    given.listener.onEnd(reason);
  }
}
