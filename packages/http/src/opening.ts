// The beginning of a stream: PROXY headers are stepped over, and what is no message is held until it is known what it is.
// Source: the proxy protocol of HAProxy, versions 1 and 2.

import type { MessageBytes } from './message-bytes.ts';
import type { MessageSide } from './message-side.ts';
import type { Opening, OtherProtocol } from './other-protocol.ts';

/** `foreign`: more bytes are needed; `addresses`: those of a PROXY header come; the others as in MessageReader. */
export type BehindOpening = 'foreign' | 'addresses' | 'between' | 'opaque' | 'in-line' | 'line-start';

/** Judges the first bytes of a stream, once they are no message. */
export class StreamOpening<Own extends string> {
  phase: Opening;
  /** What the bytes judged last belong to. */
  protocol: OtherProtocol = 'unknown';
  /** Bytes of a PROXY header still to come. */
  #addressBytes = 0;
  readonly #side: MessageSide<Own>;

  constructor(side: MessageSide<Own>, phase: Opening) {
    this.#side = side;
    this.phase = phase;
  }

  /** Judges what was read: it ends inside a line, or (`line-start`) with its end; `isForeign`: not for the first time. */
  judge(bytes: MessageBytes, next: 'line-start' | 'in-line', isForeign: boolean): BehindOpening {
    const header = bytes.view();
    const verdict = this.#side.judge(header, next === 'line-start', this.phase);
    if (verdict === 'more') return 'foreign';
    if (verdict === 'proxy-1' || verdict === 'proxy-2') {
      this.#addressBytes = verdict === 'proxy-2' ? header[10]! * 256 + header[11]! : 0;
      this.#side.counters.skippedBytes += bytes.drop();
      return this.skipAddresses(bytes);
    }
    this.protocol = verdict;
    // What was read while the verdict was open is looked through once more: a message may begin in it.
    if (verdict === 'unknown' && isForeign) bytes.rewind();
    else this.#side.counters.skippedBytes += bytes.drop();
    return verdict === 'unknown' ? next : 'opaque';
  }

  /** Steps over the rest of a PROXY header. */
  skipAddresses(bytes: MessageBytes): 'addresses' | 'between' {
    const taken = Math.min(this.#addressBytes, bytes.chunk.length - bytes.at);
    this.#addressBytes -= taken;
    bytes.at += taken;
    this.#side.counters.skippedBytes += bytes.drop();
    return this.#addressBytes === 0 ? 'between' : 'addresses';
  }
}
