// All that reads bytes from outside, put together as the listener does it: frames in, messages out. Its limits are so
// small that inputs meet them, and it knows what must be true of all counters at every moment, and at the end.
import {
  type AssemblerCounters,
  type Connection,
  type ConnectionHandlers,
  type Frame,
  FrameDecoder,
  TcpAssembler,
} from '@gor/capture';
import { HttpConnection, type HttpStream, MemoryBudget, type StreamCounters } from '@gor/http';

const FRAGMENT_LIMITS = { maxPackets: 8, maxFragmentsPerPacket: 32, maxHeldBytes: 16_384 };
const TCP_LIMITS = {
  ...{ maxConnections: 12, maxHalfOpen: 4, maxEnded: 4, holeTimeoutMs: 1_000 },
  ...{ maxHeldBytesPerStream: 4_096, maxHeldSegmentsPerStream: 12, maxHeldBytes: 8_192, maxHeldSegments: 24 },
};
const MESSAGE_LIMITS = { maxHeadBytes: 2_048, maxBodyBytes: 8_192, maxHeaders: 40 };
const BUDGET_LIMITS = { limitBytes: 8_192, maxMessages: 6 };

/** One reading, from its first frame to its end. */
export class Reading {
  readonly decoder: FrameDecoder;
  readonly assembler: TcpAssembler;
  /** What the handlers were told. */
  readonly told = { requests: 0, rejects: 0, responses: 0, responseRejects: 0, clientEnds: 0, serverEnds: 0 };
  readonly #connections: HttpConnection[] = [];
  readonly #budgets = [new MemoryBudget(BUDGET_LIMITS), new MemoryBudget(BUDGET_LIMITS)] as const;
  readonly #withResponses: boolean;

  constructor(withResponses: boolean) {
    this.#withResponses = withResponses;
    this.assembler = new TcpAssembler({ limits: TCP_LIMITS, onConnection: (connection) => this.#open(connection) });
    this.decoder = new FrameDecoder({
      onSegment: (segment) => this.assembler.push(segment),
      fragmentLimits: FRAGMENT_LIMITS,
    });
  }

  /** Takes a frame, and gives the first thing that is not as it must be. */
  push(frame: Frame): string | undefined {
    const isInside = frame.start >= 0 && frame.start <= frame.end && frame.end <= frame.bytes.length;
    if (!isInside || !Number.isSafeInteger(frame.timestampUs)) return 'a frame that lies out of its bytes or times';
    this.decoder.push(frame);
    return this.#overLimit();
  }

  /** Ends all, and gives the first thing that is not as it must be. */
  close(): string | undefined {
    const before = this.#unbalanced();
    this.decoder.close();
    this.assembler.close();
    return before ?? this.#overLimit() ?? this.#unbalanced() ?? this.#unfinished();
  }

  #open(_: Connection): ConnectionHandlers {
    const { told } = this;
    const http = new HttpConnection({
      ...MESSAGE_LIMITS,
      ...{ budget: this.#budgets[0], responseBudget: this.#budgets[1], responseLimits: MESSAGE_LIMITS },
      onRequest: () => told.requests++,
      onReject: () => told.rejects++,
      ...(this.#withResponses ? { onResponse: () => told.responses++ } : {}),
      onResponseReject: () => told.responseRejects++,
    });
    this.#connections.push(http);
    const withEnd = (stream: HttpStream, onEnd: () => void): HttpStream => ({
      ...stream,
      end: (reason, timestampUs) => {
        stream.end(reason, timestampUs);
        onEnd();
      },
    });
    return {
      client: withEnd(http.client, () => told.clientEnds++),
      server: withEnd(http.server, () => told.serverEnds++),
    };
  }

  #overLimit(): string | undefined {
    if (this.#budgets.some(({ heldBytes, heldMessages }) => heldBytes > 8_192 || heldMessages > 6)) return 'budget';
    const { fragments } = this.decoder.counters();
    if (fragments.heldBytes > FRAGMENT_LIMITS.maxHeldBytes) return `fragments hold ${fragments.heldBytes} bytes`;
    const counters = this.assembler.counters();
    if (counters.heldAllocatedBytes > TCP_LIMITS.maxHeldBytes) return `holes: ${counters.heldAllocatedBytes}`;
    // A segment is held first, then others make room for it.
    const peak = TCP_LIMITS.maxHeldBytes + 65_535 + 256;
    if (counters.heldAllocatedBytesPeak > peak) return `holes: at most ${counters.heldAllocatedBytesPeak}`;
    if (counters.heldSegments > TCP_LIMITS.maxHeldSegments) return `holes: ${counters.heldSegments} pieces`;
    const { connectionsOpen, halfOpen, endedRemembered } = counters;
    const isOver = connectionsOpen > 12 || halfOpen > 4 || endedRemembered > 4;
    return isOver ? `connections: ${connectionsOpen}, ${halfOpen}, ${endedRemembered}` : undefined;
  }

  #unbalanced(): string | undefined {
    const { seen, segments, rejected, fragments } = this.decoder.counters();
    if (seen !== segments + sum(rejected) + fragments.held + fragments.joined) return `frames: ${seen} seen`;
    const counters = this.assembler.counters();
    if (counters.segments !== segments) return `segments: ${counters.segments} of ${segments}`;
    const { payloadBytes, deliveredBytes, duplicateBytes, droppedBytes, heldBytes } = counters;
    if (payloadBytes !== deliveredBytes + duplicateBytes + sum(droppedBytes) + heldBytes)
      return `payload: ${payloadBytes} is not ${deliveredBytes} + ${duplicateBytes} + ${sum(droppedBytes)} + ${heldBytes}`;
    if (counters.connections !== counters.connectionsOpen + sum(counters.connectionsEnded)) return 'connections';
    return this.#unbalancedMessages(counters);
  }

  #unbalancedMessages({ deliveredBytes, gapBytes }: AssemblerCounters): string | undefined {
    const sums = { read: 0, gaps: 0, requests: 0, rejects: 0, responses: 0, responseRejects: 0 };
    for (const http of this.#connections) {
      const { requestCounters, responseCounters, pendingBytes, isInRequest, isInResponse } = http;
      const problem =
        unread('requests', requestCounters, requestCounters.requests, isInRequest, pendingBytes.client) ??
        unread('responses', responseCounters, responseCounters.responses, isInResponse, pendingBytes.server);
      if (problem !== undefined) return problem;
      sums.read += readOf(requestCounters) + pendingBytes.client + readOf(responseCounters) + pendingBytes.server;
      sums.gaps += requestCounters.gapBytes + responseCounters.gapBytes;
      sums.requests += requestCounters.requests;
      sums.rejects += sum(requestCounters.rejected);
      sums.responses += this.#withResponses ? responseCounters.responses : 0;
      sums.responseRejects += sum(responseCounters.rejected);
    }
    const { told } = this;
    const { read, gaps, ...messages } = sums;
    // Of a connection that never had data nobody is told, so there may be more gaps.
    if (read !== deliveredBytes || gaps > gapBytes)
      return `given on: ${read} of ${deliveredBytes}, gaps ${gaps} of ${gapBytes}`;
    const isTold =
      messages.requests === told.requests &&
      messages.rejects === told.rejects &&
      messages.responses === told.responses &&
      messages.responseRejects === told.responseRejects;
    return isTold ? undefined : `told ${JSON.stringify(told)}, counted ${JSON.stringify(messages)}`;
  }

  #unfinished(): string | undefined {
    const { fragments } = this.decoder.counters();
    if (fragments.held + fragments.heldBytes > 0) return 'fragments are held after the end';
    const { heldBytes, heldSegments, heldAllocatedBytes, connectionsOpen, halfOpen } = this.assembler.counters();
    if (heldBytes + heldSegments + heldAllocatedBytes + connectionsOpen + halfOpen > 0) return 'streams after the end';
    if (this.#budgets.some((budget) => budget.heldBytes + budget.heldMessages > 0)) return 'messages after the end';
    const { clientEnds, serverEnds } = this.told;
    const count = this.#connections.length;
    return clientEnds === count && serverEnds === count ? undefined : `${count} ended: ${clientEnds}, ${serverEnds}`;
  }
}

/** What does not add up in one stream. */
function unread(
  what: string,
  counters: StreamCounters & { readonly rejected: Readonly<Record<string, number>> },
  whole: number,
  isIn: boolean,
  pendingBytes: number,
): string | undefined {
  const { begun, pushedBytes, rejected } = counters;
  const rest = pushedBytes - readOf(counters);
  const isBalanced = begun === whole + sum(rejected) + (isIn ? 1 : 0) && rest >= 0 && rest <= pendingBytes;
  return isBalanced ? undefined : `${what}, ${pendingBytes} pending: ${JSON.stringify(counters)}`;
}

function readOf({ deliveredBytes, rejectedBytes, skippedBytes }: StreamCounters): number {
  return deliveredBytes + rejectedBytes + skippedBytes;
}

function sum(counts: Readonly<Record<string, number>>): number {
  let total = 0;
  for (const name in counts) total += counts[name] ?? 0;
  return total;
}
