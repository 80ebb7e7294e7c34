// Whether somebody listens at the other end, as far as refusals tell: a pure state machine over time. While nobody
// does, a probe goes out each 250 ms, and enough probes in a row without a refusal mean that somebody is back.

/** Between two probes, in milliseconds. */
export const PROBE_INTERVAL_MS = 250;

// A Linux host answers each probe on its own loopback, but limits refusals to others to one a second (icmp_ratelimit):
// there a silence of less than that says nothing.
const QUIET_PROBES_ON_LOOPBACK = 1;
const QUIET_PROBES_ELSEWHERE = 5;

/** The states `up` and `down` of a receiver; times in milliseconds that never go back. */
export class Reachability {
  readonly #quietProbesNeeded: number;
  #isDown = false;
  #nextProbeMs = 0;
  #probesUnrefused = 0;

  constructor(remoteAddress: string) {
    const isLoopback = remoteAddress === '::1' || /^(?:::ffff:)?127\./i.test(remoteAddress);
    this.#quietProbesNeeded = isLoopback ? QUIET_PROBES_ON_LOOPBACK : QUIET_PROBES_ELSEWHERE;
  }

  /** True from a refusal until it is known that somebody listens again. */
  get isDown(): boolean {
    return this.#isDown;
  }

  /** Notes that a datagram was refused; true where this is news. */
  refused(nowMs: number): boolean {
    this.#probesUnrefused = 0;
    if (this.#isDown) return false;
    this.#isDown = true;
    this.#nextProbeMs = nowMs + PROBE_INTERVAL_MS;
    return true;
  }

  /** What is due while down: to send a probe, or to note that somebody is back. Ask each PROBE_INTERVAL_MS or oftener. */
  due(nowMs: number): 'probe' | 'reachable' | undefined {
    if (!this.#isDown || nowMs < this.#nextProbeMs) return undefined;
    if (this.#probesUnrefused >= this.#quietProbesNeeded) {
      this.#isDown = false;
      this.#probesUnrefused = 0;
      return 'reachable';
    }
    this.#probesUnrefused++;
    this.#nextProbeMs = nowMs + PROBE_INTERVAL_MS;
    return 'probe';
  }
}
