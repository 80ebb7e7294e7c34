// Whether staging got what production got, but for what outgoing.ts lists.
import { createHash } from 'node:crypto';
import { comparableHeaders } from '@gor/replay';
import { expect } from 'vitest';
import type { ArrivedRequest } from '../kit/raw-server.ts';

/** The same requests as often, in any order: connections run side by side. */
export function expectSame(production: readonly ArrivedRequest[], staging: readonly ArrivedRequest[]): void {
  expect(digestOf(staging)).toBe(digestOf(production));
}

function digestOf(requests: readonly ArrivedRequest[]): string {
  const lines = requests.map(({ method, target, headers, bodyBytes, bodySha256 }) =>
    JSON.stringify([method, target, comparableHeaders(headers), bodyBytes, bodySha256]),
  );
  return createHash('sha256').update(lines.sort().join('\n')).digest('hex');
}
