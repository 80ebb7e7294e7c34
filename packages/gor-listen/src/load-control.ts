// How much is shed: looks at the load, and decides on the share of all connections that is left out. Pure: every look
// brings its own time.
//
// What is passed on goes down by a factor while there is pressure, which is quick however large the load is, and the more
// of the buffer is full the larger the factor. It goes up again by small steps, each after a while of room, and only as far
// as the room seen in that while allows, so that a lasting overload finds its share and keeps it. Where a step up was too
// much all the same (a few connections that carry everything), the next one to that height waits twice as long.

/** How often to look. */
export const LOOK_EVERY_MS = 50;

/** Above it there is pressure, below the other there is room; between them nothing changes. */
const FULL_ABOVE = 0.5;
const ROOM_BELOW = 0.25;
/** A buffer that is full at one look only was filled during a pause, and is being read. */
const FULL_LOOKS = 2;
const LATE_MS = 200;
/** A machine that pauses once makes one look late. */
const LATE_LOOKS = 3;
const LATE_FACTOR = 0.5;

/** CPU time is judged over so long, and not while the code is still being compiled. */
const CPU_WINDOW_MS = 1000;
const CPU_WARM_UP_MS = 3000;
/** Of the bound: what is aimed at. */
const CPU_AIM = 0.97;
const LEAST_CPU_FACTOR = 0.25;

const SHORTEST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 64_000;
const LARGEST_STEP = 1.25;
const SMALLEST_STEP = 1.03;
/** The part of the time in which the event loop is at work: up to it connections are taken back. */
const BUSY_AIM = 0.85;

/** Shares go in steps of 1/256; one connection in 256 is always taken. */
const STEPS = 256;

/** What is seen at one look. */
export interface LoadLook {
  /** Monotonic milliseconds. */
  readonly nowMs: number;
  /** The part of the kernel's buffer that waits to be read, 0 to 1; undefined where the engine cannot tell. */
  readonly bufferFill: number | undefined;
  /** For how long the event loop has been at work since some moment before the first look. */
  readonly busyMs: number;
  /** CPU time of the process since then, all threads together. */
  readonly cpuMs: number;
}

/** Why more is shed: the buffer's fill, the lateness of the event loop, or the part of a core that was taken. */
export type ShedCause =
  | { readonly sign: 'buffer'; readonly fill: number }
  | { readonly sign: 'late'; readonly lateMs: number }
  | { readonly sign: 'cpu'; readonly cpuShare: number };

/** Decides on the share by what is seen; to be asked every {@link LOOK_EVERY_MS}. */
export class LoadControl {
  readonly #maxCpuShare: number;
  #startMs = 0;
  #last: LoadLook | undefined;
  /** Of 256 connections; not whole, for the small steps. */
  #passing = STEPS;
  #fullLooks = 0;
  #lateLooks = 0;
  /** Where the judgement of the CPU time began, and where the room did. */
  #cpuSince: LoadLook | undefined;
  #roomSince: LoadLook | undefined;
  /** Where the last change was a step up whose effect is not known yet: from where it was made. */
  #triedFrom: number | undefined;
  /** How high the lowest step up was that was too much, and how long there must be room before one goes as high. */
  #failedAt = Number.POSITIVE_INFINITY;
  #waitMs = SHORTEST_WAIT_MS;

  /** `maxCpuShare`: the part of one core that the process may take, above 0 to 1; undefined: any. Throws RangeError. */
  constructor(maxCpuShare: number | undefined) {
    if (maxCpuShare !== undefined && !(maxCpuShare > 0 && maxCpuShare <= 1)) {
      throw new RangeError(`maxCpuShare: ${maxCpuShare} is not above 0 and at most 1`);
    }
    this.#maxCpuShare = maxCpuShare ?? Number.POSITIVE_INFINITY;
  }

  /** The share of all connections that is to be shed: 0 to 255/256, in steps of 1/256. */
  get share(): number {
    return 1 - Math.floor(this.#passing) / STEPS;
  }

  /** Takes a look; why more is to be shed than before, where it is. */
  look(look: LoadLook): ShedCause | undefined {
    const last = this.#last;
    this.#last = look;
    if (last === undefined) {
      this.#startMs = look.nowMs;
      this.#cpuSince = look;
      return undefined;
    }
    const lateMs = Math.max(0, look.nowMs - last.nowMs - LOOK_EVERY_MS);
    const cause = this.#pressure(look, last, lateMs);
    if (cause !== undefined) this.#shedMore(cause);
    else this.#shedLess(look, lateMs);
    return cause;
  }

  #pressure(look: LoadLook, last: LoadLook, lateMs: number): ShedCause | undefined {
    const fill = look.bufferFill ?? 0;
    this.#fullLooks = fill > FULL_ABOVE ? this.#fullLooks + 1 : 0;
    this.#lateLooks = lateMs > LATE_MS ? this.#lateLooks + 1 : 0;
    const cpuShare = this.#cpuShare(look);
    // One that gets emptier has enough of it already.
    if (this.#fullLooks >= FULL_LOOKS && fill >= (last.bufferFill ?? 0)) return { sign: 'buffer', fill };
    if (this.#lateLooks >= LATE_LOOKS) return { sign: 'late', lateMs };
    return cpuShare > this.#maxCpuShare ? { sign: 'cpu', cpuShare } : undefined;
  }

  /** Over the window that ends now, 0 while it has not ended. */
  #cpuShare(look: LoadLook): number {
    const since = this.#cpuSince ?? look;
    if (look.nowMs - since.nowMs < CPU_WINDOW_MS) return 0;
    this.#cpuSince = look;
    if (since.nowMs - this.#startMs < CPU_WARM_UP_MS) return 0;
    return (look.cpuMs - since.cpuMs) / (look.nowMs - since.nowMs);
  }

  #shedMore(cause: ShedCause): void {
    const passing = this.#passing * this.#factorOf(cause);
    if (this.#triedFrom !== undefined) {
      this.#failedAt = Math.min(this.#failedAt, this.#passing);
      this.#waitMs = Math.min(LONGEST_WAIT_MS, this.#waitMs * 2);
    }
    this.#passing = Math.max(1, Math.min(passing, this.#triedFrom ?? passing));
    this.#triedFrom = undefined;
    this.#roomSince = undefined;
    this.#cpuSince = this.#last;
  }

  #factorOf(cause: ShedCause): number {
    if (cause.sign === 'buffer') return 1 - (cause.fill - ROOM_BELOW);
    if (cause.sign === 'late') return LATE_FACTOR;
    return Math.max(LEAST_CPU_FACTOR, (CPU_AIM * this.#maxCpuShare) / cause.cpuShare);
  }

  #shedLess(look: LoadLook, lateMs: number): void {
    const hasRoom = (look.bufferFill ?? 0) < ROOM_BELOW && lateMs < LATE_MS;
    if (!hasRoom) this.#roomSince = undefined;
    else this.#roomSince ??= look;
    const since = this.#roomSince;
    const passedMs = since === undefined ? 0 : look.nowMs - since.nowMs;
    if (since === undefined || passedMs < SHORTEST_WAIT_MS) return;
    if (this.#triedFrom !== undefined) this.#keepStep();
    const step = Math.min(
      LARGEST_STEP,
      (BUSY_AIM * passedMs) / (look.busyMs - since.busyMs),
      (CPU_AIM * this.#maxCpuShare * passedMs) / (look.cpuMs - since.cpuMs),
    );
    const passing = Math.min(STEPS, this.#passing * step);
    if (passing >= this.#failedAt && passedMs < this.#waitMs) return;
    this.#roomSince = look;
    if (this.#passing === STEPS || !(step >= SMALLEST_STEP)) return;
    this.#triedFrom = this.#passing;
    this.#passing = passing;
    this.#cpuSince = look; // judged by itself
  }

  #keepStep(): void {
    this.#triedFrom = undefined;
    if (this.#passing < this.#failedAt) return;
    this.#failedAt = Number.POSITIVE_INFINITY;
    this.#waitMs = SHORTEST_WAIT_MS;
  }
}
