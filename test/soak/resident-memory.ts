// The memory that a process has resident, sampled while it works. Linux: out of /proc.
import { existsSync, readFileSync } from 'node:fs';

/** Samples one process once a second. */
export class ResidentMemory {
  readonly #file: string;
  readonly #samplesMb: number[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number) {
    this.#file = `/proc/${pid}/status`;
    this.#timer = setInterval(() => this.#sample(), 1000);
  }

  /** Whether this system tells. */
  static get isKnown(): boolean {
    return existsSync('/proc/self/status');
  }

  /** The largest sample from second `from` up to second `to`, in MB. */
  peakMb(from = 0, to = Number.POSITIVE_INFINITY): number {
    return Math.max(...this.#samplesMb.slice(from, to));
  }

  /** Every tenth sample, for people. */
  toString(): string {
    return `${this.#samplesMb.filter((_, second) => second % 10 === 0).join(', ')} MB, one in 10 s`;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  #sample(): void {
    try {
      const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(this.#file, 'latin1'))?.[1];
      if (kilobytes !== undefined) this.#samplesMb.push(Math.round(Number(kilobytes) / 1024));
    } catch {
      // The process has ended.
    }
  }
}
