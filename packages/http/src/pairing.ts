// Which request a response answers: the n-th final response of a connection the n-th request begun on it, rejected ones
// among them. Where bytes are lost, capture times decide, and where those cannot, nothing is made up: the request stays
// undefined. Source: RFC 9112 §9.2, §9.3.2, RFC 9110 §15.2.

import type { Tunnel } from './framing.ts';
import type { MemoryBudget } from './memory-budget.ts';
import type { RequestReference } from './response.ts';

/** Most requests of one connection that wait for their answers; beyond it the oldest are forgotten. */
const MAX_WAITING = 1024;
/** From here on what they hold is accounted for in the memory budget. */
const FREE_BYTES = 2048;
/** About what one takes besides its text. */
const OBJECT_BYTES = 192;

/** A request whose answer is still to come. */
export interface WaitingRequest {
  readonly reference: RequestReference;
  readonly firstByteUs: number;
  /** Whether the client waits for a word of the server before it sends the body. */
  readonly expectsContinue: boolean;
  /** What it asks to leave HTTP for. */
  readonly tunnel: Tunnel | undefined;
}

/** The requests of one connection that wait for their answers. */
export class Pairing {
  #waiting: WaitingRequest[] = [];
  #textBytes = 0;
  /** From which of those on it is uncertain what answers them: others may have been lost between them. */
  #certain = Infinity;
  /** The first of those came behind lost ones, whose answers may still come. */
  #isBehindLoss = false;
  /** How many requests the client's stream had is unknown. */
  #isClientLost = false;
  /** How many responses the server's stream had is unknown. */
  #isServerLost = false;
  /** Requests were sent before the first byte of the answer to the one before. */
  #isPipelined = false;
  /** In step, a response was seen to answer the only request there was: the client sends one after the other. */
  #isSequential = false;
  /** Nothing can be certain any more. */
  #isGivenUp = false;
  /** First byte of the last final response that was read while no request was known. */
  #unpairedUs = -1;
  #isInBudget = false;
  readonly #budget: MemoryBudget;
  readonly #holder = { giveUp: (): undefined => this.#giveUp() };

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  /** Whether the answer to a known request is still to come. */
  get isAwaited(): boolean {
    return this.#waiting.length > 0;
  }

  /** Whether a response, if no request is known that it answers, had better wait for one. */
  get canWait(): boolean {
    return this.#waiting.length === 0 && !this.#isServerLost && !this.#isGivenUp;
  }

  /** A request was begun. */
  add(request: WaitingRequest): void {
    if (this.#isGivenUp || request.firstByteUs <= this.#unpairedUs) return; // its answer went by
    const last = this.#waiting.at(-1);
    if (last === undefined) {
      this.#certain = Infinity;
      this.#isBehindLoss = this.#isClientLost;
      this.#isClientLost = false;
    } else if (last.firstByteUs === request.firstByteUs) {
      this.#isPipelined = true;
    }
    this.#waiting.push(request);
    this.#textBytes += sizeOf(request);
    if (this.#waiting.length > MAX_WAITING) this.#forget(1);
  }

  /** Bytes of the client's stream are lost, or cannot be read. */
  loseRequests(): void {
    this.#isClientLost = true;
    if (this.#waiting.length > 0) this.#certain = Math.min(this.#certain, this.#waiting.length);
  }

  /** Bytes of the server's stream are lost, or cannot be read. */
  loseResponses(): void {
    this.#isServerLost = true;
  }

  /** The request that a response answers, if that is certain. Final ones, 101 among them, answer it for good. */
  answer(status: number, firstByteUs: number): WaitingRequest | undefined {
    if (this.#isServerLost) this.#catchUp(firstByteUs);
    const first = this.#waiting[0];
    const isNone = first === undefined || this.#isServerLost;
    // Behind a loss a response that was there before the request answers one of the lost.
    if (isNone || (this.#isBehindLoss && firstByteUs < first.firstByteUs)) {
      if (isFinal(status)) this.#unpairedUs = firstByteUs;
      return undefined;
    }
    const request = this.#certain > 0 ? first : undefined;
    if (!isFinal(status)) return request;
    this.#remove(1);
    this.#isBehindLoss = false;
    const next = this.#waiting[0];
    if (next === undefined) this.#isSequential = true;
    else if (next.firstByteUs < firstByteUs) this.#isPipelined = true;
    return request;
  }

  /** Brings what is held into the budget, or out of it; called when no parser is at work. */
  account(nowUs: number): void {
    if (this.#textBytes > FREE_BYTES) {
      this.#isInBudget = true;
      this.#budget.hold(this.#holder, this.#textBytes, nowUs);
      this.#budget.announce();
    } else if (this.#isInBudget) {
      this.#release();
    }
  }

  /** No more responses come: nothing waits, now or later. */
  close(): void {
    this.#stop();
    this.#release();
  }

  #stop(): void {
    this.#isGivenUp = true;
    this.#remove(this.#waiting.length);
  }

  /** Gives the budget back what is held. */
  #release(): void {
    this.#isInBudget = false;
    this.#budget.release(this.#holder);
  }

  /**
   * Behind a hole a response answers the only request that was begun before it; of several the newest, but only where the
   * client was seen to send one after the other, and never more at once.
   */
  #catchUp(firstByteUs: number): void {
    let count = 0;
    while (count < this.#waiting.length && this.#waiting[count]!.firstByteUs <= firstByteUs) count++;
    if (count === 0) return;
    if (count > 1 && (this.#isPipelined || !this.#isSequential)) return this.#stop();
    // A request may have been lost behind these, too, and this be its answer.
    const isOpen = this.#certain <= count;
    this.#remove(isOpen ? count : count - 1);
    this.#isServerLost = isOpen;
  }

  /** Lets the oldest go: where their answers come, they are taken for others' but for the time. */
  #forget(count: number): undefined {
    this.#isServerLost = true;
    this.#remove(count);
  }

  /** The newest may stay, where it is small: it tells how long the next answer is. */
  #giveUp(): undefined {
    const newest = this.#waiting.at(-1);
    const isSmall = newest !== undefined && sizeOf(newest) <= FREE_BYTES;
    return this.#forget(this.#waiting.length - (isSmall ? 1 : 0));
  }

  #remove(count: number): void {
    for (let at = 0; at < count; at++) this.#textBytes -= sizeOf(this.#waiting[at]!);
    if (count === 1) this.#waiting.shift();
    else this.#waiting.splice(0, count);
    this.#certain -= count;
  }
}

/** RFC 9110 §15.2: any number of interim responses comes before the final one; behind 101 comes no HTTP. */
function isFinal(status: number): boolean {
  return status >= 200 || status === 101;
}

function sizeOf({ reference }: WaitingRequest): number {
  return OBJECT_BYTES + reference.method.length + reference.target.length;
}
