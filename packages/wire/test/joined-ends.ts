// A sender and a receiver joined by a lossy link both ways, in virtual time; what passes is counted here, by itself.
import { LossyLink, type LossyLinkOptions } from '../../../test/kit/lossy-link.ts';
import type { Random } from '../../../test/kit/random.ts';
import { sequenceOf } from '../src/datagram.ts';
import { WireDecoder } from '../src/decoder.ts';
import type { WireDecoderOptions } from '../src/decoder-options.ts';
import type { ReceiverNews } from '../src/reachability.ts';
import type { WireRecord } from '../src/record.ts';
import type { WireKey } from '../src/sealing.ts';
import type { SendingOptions } from '../src/sending-options.ts';
import { SendingSession } from '../src/sending-session.ts';

export type LinkBehaviour = Omit<LossyLinkOptions, 'random' | 'onDeliver'>;

export interface JoinedEndsOptions {
  readonly random: Random;
  /** Default: perfect. */
  readonly link?: LinkBehaviour;
  /** The way of the reports; default: as `link`. */
  readonly linkBack?: LinkBehaviour;
  readonly key?: WireKey | undefined;
  readonly onRecord: (record: WireRecord) => void;
  readonly sender?: Partial<SendingOptions>;
  readonly receiver?: Partial<WireDecoderOptions>;
  /** Called with copies of what is put on the links. */
  readonly onSent?: (datagram: Uint8Array) => void;
  readonly onReported?: (datagram: Uint8Array) => void;
}

export const RECEIVER = 'a1b2c3d4e5f60718';
export const SENDER_SOURCE = { address: '192.0.2.7', port: 40_000 };
const LONGEST_END_MS = 10_000;
/** What the page allows: a tenth of what was sent, and 256 KiB to begin with. */
const RESEND_SHARE = 0.1;
const RESEND_START_BYTES = 256 * 1024;

export class JoinedEnds {
  readonly sender: SendingSession;
  decoder: WireDecoder;
  readonly forward: LossyLink;
  readonly back: LossyLink;
  readonly news: ReceiverNews[] = [];
  /** Datagrams and bytes that left for the first time, and again. */
  readonly fresh = { datagrams: 0, bytes: 0 };
  readonly again = { datagrams: 0, bytes: 0 };
  readonly reported = { datagrams: 0, bytes: 0 };
  /** How far the bytes sent again were ever over what is allowed. */
  overBudgetBytes = 0;
  nowMs = 0;
  captured = 0;
  readonly refused: Record<string, number> = {};
  readonly #options: JoinedEndsOptions;
  #highestSequence = 0;
  #decoderMs = 0;

  constructor(options: JoinedEndsOptions) {
    const { random, link = {}, linkBack = link, key, sender } = options;
    this.#options = options;
    this.decoder = this.newDecoder(RECEIVER);
    this.forward = new LossyLink({
      random,
      ...link,
      onDeliver: (datagram, atMs) => this.decoder.push(datagram, SENDER_SOURCE, atMs),
    });
    this.back = new LossyLink({
      random,
      ...linkBack,
      onDeliver: (datagram, atMs) => this.sender.report(datagram, atMs),
    });
    this.sender = new SendingSession(
      {
        session: '00112233445566ff',
        ...(key === undefined ? {} : { key }),
        totals: () => ({ captured: this.captured, dropped: this.refused }),
        nowUs: () => 0,
        onReceiver: (event) => void this.news.push(event),
        ...sender,
      },
      0,
    );
  }

  newDecoder(receiver: string): WireDecoder {
    const { key, onRecord } = this.#options;
    return new WireDecoder({
      receiver,
      ...(key === undefined ? {} : { keys: [key] }),
      onRecord,
      onReport: (datagram) => {
        this.reported.datagrams++;
        this.reported.bytes += datagram.length;
        this.#options.onReported?.(datagram.slice());
        this.back.send(datagram, this.nowMs);
      },
      ...this.#options.receiver,
    });
  }

  /** Gives the sender a record; says whether it took it. */
  offer(record: WireRecord): boolean {
    if (record.kind === 'request') this.captured++;
    const refusal = this.sender.add(record, this.nowMs);
    if (refusal === undefined) return true;
    if (record.kind === 'request') this.refused[refusal] = (this.refused[refusal] ?? 0) + 1;
    return false;
  }

  /** A turn of both: what was added leaves, what is under way arrives, a millisecond passes. */
  step(): void {
    this.sender.flush();
    this.#pump();
    this.nowMs++;
    this.forward.advance(this.nowMs);
    if (this.nowMs >= this.#decoderMs) {
      this.decoder.advance(this.nowMs);
      this.#decoderMs = this.nowMs + this.decoder.dueMs();
    }
    this.#decoderMs = Math.min(this.#decoderMs, this.nowMs + this.decoder.dueMs());
    this.back.advance(this.nowMs);
    if (this.nowMs % 10 === 0) this.sender.advance(this.nowMs);
    this.#pump();
  }

  run(forMs: number): void {
    for (const endMs = this.nowMs + forMs; this.nowMs < endMs; ) this.step();
  }

  /** The receiver goes on alone, and the sender only hears its reports. */
  listen(forMs: number): void {
    for (const endMs = this.nowMs + forMs; this.nowMs < endMs; ) {
      this.nowMs++;
      this.forward.advance(this.nowMs);
      this.decoder.advance(this.nowMs);
      this.back.advance(this.nowMs);
    }
  }

  /** The sender ends, then both go on until all that can still come has come. */
  finish(): void {
    this.sender.finish(this.nowMs);
    const endMs = this.nowMs + LONGEST_END_MS;
    const isDone = (): boolean =>
      this.sender.isFinished(this.nowMs) && this.forward.nextMs === Infinity && this.back.nextMs === Infinity;
    while (!isDone() && this.nowMs < endMs) this.step();
    if (!isDone()) throw new Error(`the sender has not finished within ${LONGEST_END_MS} ms`);
    this.run(3000);
  }

  #pump(): void {
    for (;;) {
      const datagram = this.sender.next(this.nowMs);
      if (datagram === undefined) return;
      this.#count(datagram);
      this.#options.onSent?.(datagram.slice());
      this.forward.send(datagram, this.nowMs);
    }
  }

  #count(datagram: Uint8Array): void {
    const sequence = sequenceOf(datagram);
    const isAgain = sequence <= this.#highestSequence;
    const counts = isAgain ? this.again : this.fresh;
    counts.datagrams++;
    counts.bytes += datagram.length;
    this.#highestSequence = Math.max(this.#highestSequence, sequence);
    const share = this.#options.sender?.resendShare ?? RESEND_SHARE;
    const allowed = RESEND_START_BYTES + share * this.fresh.bytes;
    this.overBudgetBytes = Math.max(this.overBudgetBytes, this.again.bytes - allowed);
  }
}
