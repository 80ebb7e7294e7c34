// One helper for all cases: feeds a stream whole, byte by byte, cut in two at every place and with one more request
// behind it, and demands the same outcome and balanced counters each time.

import { expect } from 'vitest';
import { asLatin1, everySplit, latin1 } from '../../../test/kit/every-split.ts';
import { bodyOf, bodyParts } from '../src/message-body.ts';
import type { ResponseCounters } from '../src/parser-counters.ts';
import type { RequestParserOptions } from '../src/parser-options.ts';
import type { HttpRequest } from '../src/request.ts';
import { RequestParser } from '../src/request-parser.ts';
import type { ResponseParser } from '../src/response-parser.ts';

/** Everything that a parser said about a stream, in order, as text. */
export interface Outcome {
  readonly events: readonly string[];
  readonly requests: readonly CopiedRequest[];
}

export interface CopiedRequest extends HttpRequest {
  readonly body: string;
}

export type Limits = Omit<Partial<RequestParserOptions>, 'onRequest' | 'onReject'>;

export const NEXT = 'GET /next HTTP/1.1\r\nHost: next\r\n\r\n';

/** A request as one readable line: what tells one from another. */
export function summary(request: HttpRequest): string {
  const { method, target, version, framing } = request;
  const body = framing === 'none' ? '' : ` ${framing} ${JSON.stringify(asLatin1(bodyOf(request)))}`;
  return `${method} ${target} ${version}${body}`;
}

/** A parser that keeps what it says. */
export function recorded(limits: Limits = {}): { parser: RequestParser; events: string[]; requests: CopiedRequest[] } {
  const events: string[] = [];
  const requests: CopiedRequest[] = [];
  const parser = new RequestParser({
    ...limits,
    onRequest: (request) => {
      events.push(summary(request));
      const body = asLatin1(bodyOf(request));
      const parts = [...bodyParts(request)].map(asLatin1).join('');
      if (parts !== body || body.length !== request.bodyLength)
        expect([parts, request.bodyLength]).toEqual([body, body.length]);
      requests.push({ ...request, bytes: request.bytes.slice(), body });
    },
    onReject: (reject) => events.push(`reject ${reject.reason}`),
    onOpaque: (after) => events.push(`opaque ${after}`),
    onOtherProtocol: (protocol) => events.push(`protocol ${protocol}`),
  });
  return { parser, events, requests };
}

/** Asserts what has to be true of every parser at every moment between calls. */
export function expectBalance(parser: RequestParser): void {
  const { begun, requests, rejected, pushedBytes, deliveredBytes, rejectedBytes, skippedBytes } = parser.counters;
  const rejects = Object.values(rejected).reduce((sum, count) => sum + count, 0);
  // Plain comparisons first: this runs after every push of every way of cutting.
  const begunSum = requests + rejects + (parser.isInRequest ? 1 : 0);
  const byteSum = deliveredBytes + rejectedBytes + skippedBytes + parser.pendingBytes;
  if (begun !== begunSum || pushedBytes !== byteSum)
    expect({ begun, pushedBytes }).toEqual({ begun: begunSum, pushedBytes: byteSum });
}

/** The same for a parser of responses. */
export function expectResponseBalance(parser: ResponseParser): void {
  expectResponseCountersBalance(parser.counters, parser.isInResponse, parser.pendingBytes);
}

/** The same for the numbers alone. */
export function expectResponseCountersBalance(
  counters: ResponseCounters,
  isInResponse: boolean,
  pendingBytes: number,
): void {
  const { begun, responses, rejected, pushedBytes, deliveredBytes, rejectedBytes, skippedBytes } = counters;
  const rejects = Object.values(rejected).reduce((sum, count) => sum + count, 0);
  const begunSum = responses + rejects + (isInResponse ? 1 : 0);
  const byteSum = deliveredBytes + rejectedBytes + skippedBytes + pendingBytes;
  if (begun !== begunSum || pushedBytes !== byteSum)
    expect({ begun, pushedBytes }).toEqual({ begun: begunSum, pushedBytes: byteSum });
}

/** The outcome of these pieces, ended. */
export function outcomeOf(pieces: readonly Uint8Array[], limits: Limits = {}): Outcome {
  const { parser, events, requests } = recorded(limits);
  for (const piece of pieces) {
    const lent = piece.slice();
    parser.push(lent, 1000);
    lent.fill(0xee); // pushed bytes are only lent
    expectBalance(parser);
  }
  parser.end(2000);
  parser.end(2000);
  expectBalance(parser);
  expect([parser.isInRequest, parser.heldBytes, parser.pendingBytes]).toEqual([false, 0, 0]);
  return { events, requests };
}

/** The outcome of a text, after it was proved the same in every way of cutting it. */
export function everyWay(text: string, limits: Limits = {}): Outcome {
  const bytes = latin1(text);
  const whole = outcomeOf([bytes], limits);
  const expected = asText(whole);
  for (const pieces of everySplit(bytes)) {
    const outcome = outcomeOf(pieces, limits);
    if (asText(outcome) !== expected) expect(outcome).toEqual(whole);
  }
  return whole;
}

/** The outcome as one string: comparing those is far cheaper than comparing objects, and there are many. */
function asText(outcome: Outcome): string {
  return JSON.stringify(outcome, (_, value) => (value instanceof Uint8Array ? asLatin1(value) : value));
}

/** The same for a text that ends with a whole request: what follows it must be the next request, untouched. */
export function everyWayAndNext(text: string, limits: Limits = {}): Outcome {
  const alone = everyWay(text, limits);
  const withNext = everyWay(text + NEXT, limits);
  expect(withNext.events).toEqual([...alone.events, 'GET /next 1.1']);
  expect(asLatin1(withNext.requests.at(-1)!.bytes)).toBe(NEXT);
  expect(withNext.requests.slice(0, -1)).toEqual(alone.requests);
  return alone;
}
