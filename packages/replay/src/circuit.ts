// Whether a target is worth trying: after many vain attempts in a row it gets one request a second, until it answers one.
// Pure: time and ends come as arguments. The pattern is Nygard's circuit breaker (Release It!), with a single probe.

import type { FailedReason } from './reasons.ts';

/** So many vain attempts with no answer between them open the circuit, ... */
const ENDS_IN_A_ROW = 10;

/** ... once nothing was answered for this long while something was tried: a restart of the target is shorter than that. */
const SILENT_MS = 1000;

/** Least time from one probe to the next, and from the opening to the first. */
const PROBE_MS = 1000;

/** Failures that say that nobody is there. Others, as a reset or a bad answer, come from somebody: they count for neither. */
export type VainReason = Extract<
  FailedReason,
  'connect-refused' | 'connect-timeout' | 'unresolvable' | 'unreachable' | 'tls' | 'timeout'
>;

const VAIN: ReadonlySet<string> = new Set<VainReason>([
  'connect-refused',
  'connect-timeout',
  'unresolvable',
  'unreachable',
  'tls',
  'timeout',
]);

/** A circuit has opened, or closed again. */
export type CircuitState =
  | {
      readonly isOpen: true;
      /** How the last of the vain attempts ended. */
      readonly reason: VainReason;
    }
  | {
      readonly isOpen: false;
      /** How long it was open, in milliseconds. */
      readonly openMs: number;
    };

/** The circuit of the target with this URL has opened, or closed again. */
export type CircuitChange = CircuitState & { readonly target: string };

/** The circuit of one target. All times are milliseconds on one clock that never goes back. */
export class Circuit {
  readonly #isInUse: boolean;
  readonly #onChange: (state: CircuitState) => void;
  #isOpen = false;
  #opened = 0;
  #row = 0;
  /** While there is a row: since when nothing has been answered to what was tried. */
  #silentSinceMs = 0;
  #answeredMs = Number.NEGATIVE_INFINITY;
  #openedMs = 0;
  /** When the last one was tried, or the circuit opened. */
  #triedMs = Number.NEGATIVE_INFINITY;

  /** Where it is not in use it never opens. `onChange` is called from within `ended`. */
  constructor(isInUse: boolean, onChange: (state: CircuitState) => void) {
    this.#isInUse = isInUse;
    this.#onChange = onChange;
  }

  /** Whether what is tried now is a probe. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether it is open now, and how often it has opened. */
  get counts(): { readonly isOpen: boolean; readonly opened: number } {
    return { isOpen: this.#isOpen, opened: this.#opened };
  }

  /** Whether a request may be tried now; `waiting`: so many that were allowed have not been tried yet. */
  mayTry(nowMs: number, waiting: number): boolean {
    return !this.#isOpen || (waiting === 0 && nowMs - this.#triedMs >= PROBE_MS);
  }

  /** A request is on its way: where the circuit is open, the probe. */
  tried(nowMs: number): void {
    this.#triedMs = nowMs;
  }

  /** What was tried at `startedMs` has ended; `undefined`: the target answered, if only in part. True: that opened it. */
  ended(reason: FailedReason | 'cannot-send' | undefined, startedMs: number, nowMs: number): boolean {
    if (reason === undefined) this.#answered(nowMs);
    if (reason === undefined || this.#isOpen || !this.#isInUse || !isVain(reason)) return false;
    if (this.#row === 0) this.#silentSinceMs = Math.max(startedMs, this.#answeredMs);
    this.#row += 1;
    if (this.#row < ENDS_IN_A_ROW || nowMs - this.#silentSinceMs < SILENT_MS) return false;
    this.#isOpen = true;
    this.#opened += 1;
    this.#openedMs = nowMs;
    this.#triedMs = nowMs;
    this.#onChange({ isOpen: true, reason });
    return true;
  }

  #answered(nowMs: number): void {
    this.#row = 0;
    this.#answeredMs = nowMs;
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#onChange({ isOpen: false, openMs: nowMs - this.#openedMs });
  }
}

function isVain(reason: FailedReason | 'cannot-send'): reason is VainReason {
  return VAIN.has(reason);
}
