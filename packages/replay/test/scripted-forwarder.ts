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
    if (this.connectMs === 0) listener.onSent();
    else given.cancels.push(this.#clock.schedule(this.connectMs, () => listener.onSent()));
    if (this.answerAfterMs !== undefined) {
      const answerMs = this.connectMs + this.answerAfterMs;
      given.cancels.push(this.#clock.schedule(answerMs, () => this.#end(given, undefined)));
    }
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

  #end(given: Given, reason: FailedReason | 'cannot-send' | undefined): void {
    if (given.isOver) return;
    given.isOver = true;
    for (const cancel of given.cancels) cancel();
    this.inFlight -= 1;
    if (reason === undefined) given.listener.onStatus(200);
    given.listener.onEnd(reason);
  }
}
