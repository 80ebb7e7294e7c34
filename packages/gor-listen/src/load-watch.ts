// Looks at the load with the clocks of this process, and has connections shed as the control decides. Live capture only: a
// file waits.
import { LoadControl } from './load-control.ts';
import { type ShedNotice, ShedNotices } from './shed-notices.ts';

/** What was shed when, for the ledger. */
export interface ShedHistory {
  /** How often shedding began. */
  readonly times: number;
  /** Of all connections, 0 to 255/256: now, and at most. */
  readonly share: number;
  readonly highestShare: number;
}

/** What a {@link LoadWatch} looks at, and whom it tells. */
export interface LoadWatchOptions {
  /** The part of one core that the process may take, above 0 to 1; undefined: any. */
  readonly maxCpuShare: number | undefined;
  /** The part of the kernel's buffer that waits to be read, 0 to 1; undefined where the engine cannot tell. */
  readonly bufferFill: () => number | undefined;
  /** Called at each change of the share. */
  readonly onShare: (share: number) => void;
  readonly onNotice: (notice: ShedNotice) => void;
}

/** To be told to look every LOOK_EVERY_MS. */
export class LoadWatch {
  readonly #options: LoadWatchOptions;
  readonly #control: LoadControl;
  readonly #notices = new ShedNotices();
  #share = 0;
  #highestShare = 0;
  #times = 0;

  /** Throws RangeError where maxCpuShare is out of its range. */
  constructor(options: LoadWatchOptions) {
    this.#options = options;
    this.#control = new LoadControl(options.maxCpuShare);
  }

  /** As of the last look. */
  get history(): ShedHistory {
    return { times: this.#times, share: this.#share, highestShare: this.#highestShare };
  }

  /** Takes a look, and does what follows from it before it returns. */
  look(): void {
    const { bufferFill, onShare, onNotice } = this.#options;
    const nowMs = performance.now();
    const { user, system } = process.cpuUsage();
    const busyMs = performance.eventLoopUtilization().active;
    const cause = this.#control.look({ nowMs, bufferFill: bufferFill(), busyMs, cpuMs: (user + system) / 1000 });
    const { share } = this.#control;
    if (share !== this.#share) {
      if (this.#share === 0) this.#times++;
      this.#share = share;
      this.#highestShare = Math.max(this.#highestShare, share);
      onShare(share);
    }
    const notice = this.#notices.note(nowMs, share, cause);
    if (notice !== undefined) onNotice(notice);
  }
}
