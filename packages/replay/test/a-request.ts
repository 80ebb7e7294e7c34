// Requests for tests, written as their fields; and the balance that every ledger keeps.

import { expect } from 'vitest';
import { latin1 } from '../../../test/kit/every-split.ts';
import type { ReplayRequest, TargetLedger } from '../src/index.ts';

export interface RequestFields extends Partial<Omit<ReplayRequest, 'body'>> {
  /** A character a byte. */
  readonly body?: string;
}

/** A captured request: GET / on connection 1 with one header, but for the fields given; its bytes say just that. */
export function aRequest(fields: RequestFields = {}): ReplayRequest {
  const { body = '', ...rest } = fields;
  const request = {
    connection: 1,
    method: 'GET',
    target: '/',
    version: 'HTTP/1.1',
    headers: ['Host', 'production.example'],
    framing: body === '' ? ('none' as const) : ('content-length' as const),
    trailers: [],
    ...rest,
  };
  const framed = withLength(request.headers, request.framing, body.length);
  const head = `${request.method} ${request.target} HTTP/${request.version.slice(-3)}\r\n${linesOf(framed)}\r\n`;
  const sent = request.framing === 'chunked' ? chunked(body, request.trailers) : body;
  const bytes = latin1(head + sent);
  const bodyStart = head.length;
  const view = bytes.subarray(bodyStart);
  return { bytes, bodyStart, body: request.framing === 'chunked' ? latin1(body) : view, ...request, headers: framed };
}

/** Adds the field that says the length, where none does. */
function withLength(headers: readonly string[], framing: ReplayRequest['framing'], length: number): readonly string[] {
  const name = { none: '', 'content-length': 'Content-Length', chunked: 'Transfer-Encoding' }[framing];
  if (name === '' || headers.some((text, at) => at % 2 === 0 && text.toLowerCase() === name.toLowerCase()))
    return headers;
  return [...headers, name, framing === 'chunked' ? 'chunked' : String(length)];
}

/** In chunks of up to 5 bytes. */
function chunked(body: string, trailers: readonly string[]): string {
  const chunks = body.match(/[\s\S]{1,5}/g) ?? [];
  const data = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('');
  return `${data}0\r\n${linesOf(trailers)}\r\n`;
}

function linesOf(fields: readonly string[]): string {
  return fields.map((text, at) => (at % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('');
}

/** received = answered + Σ limited + Σ failed + Σ skipped + waiting. */
export function expectBalance(ledger: TargetLedger): void {
  const { received, answered, limited, failed, skipped, waiting } = ledger;
  expect(answered + sum(limited) + sum(failed) + sum(skipped) + waiting, JSON.stringify(ledger)).toBe(received);
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
