// Requests for tests, written as their fields; and the balance that every ledger keeps.

import { expect } from 'vitest';
import { latin1 } from '../../../test/kit/every-split.ts';
import type { ReplayRequest, TargetLedger } from '../src/index.ts';

export interface RequestFields extends Partial<Omit<ReplayRequest, 'body'>> {
  /** A character a byte. */
  readonly body?: string;
}

/** A captured request: GET / on connection 1 with one header, but for the fields given. */
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
  const head = `${request.method} ${request.target} ${request.version}\r\n\r\n`;
  const bytes = latin1(head + body);
  return { bytes, body: bytes.subarray(head.length), ...request };
}

/** received = answered + Σ limited + Σ failed + Σ skipped + waiting. */
export function expectBalance(ledger: TargetLedger): void {
  const { received, answered, limited, failed, skipped, waiting } = ledger;
  expect(answered + sum(limited) + sum(failed) + sum(skipped) + waiting, JSON.stringify(ledger)).toBe(received);
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
