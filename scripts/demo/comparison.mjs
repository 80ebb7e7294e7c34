// Compares what staging got with what production got, request by request, but for the changes that outgoing.ts lists.
import { comparableHeaders } from '@gor/replay';

/** @typedef {import('./server.mjs').Note} Note */

/**
 * @param {readonly Note[]} production
 * @param {readonly Note[]} staging
 * @returns {{ identical: number, missing: number, doubled: number, changed: number, examples: string[] }} counts of
 *   requests, and a line for each of the first differences
 */
export function comparison(production, staging) {
  /** @type {Map<string, Note[]>} */
  const arrived = new Map();
  for (const note of staging) arrived.set(note.id, [...(arrived.get(note.id) ?? []), note]);
  const counts = { identical: 0, missing: 0, doubled: 0, changed: 0 };
  const examples = [];
  for (const sent of production) {
    const [got, ...more] = arrived.get(sent.id) ?? [];
    arrived.delete(sent.id);
    const difference =
      got === undefined ? 'is missing' : more.length > 0 ? 'came more than once' : differenceOf(sent, got);
    if (got === undefined) counts.missing += 1;
    else if (more.length > 0) counts.doubled += 1;
    else if (difference !== undefined) counts.changed += 1;
    else counts.identical += 1;
    if (difference !== undefined && examples.length < 10) examples.push(`request ${sent.id} ${difference}`);
  }
  counts.changed += arrived.size; // what staging got and production did not
  return { ...counts, examples };
}

/**
 * @param {Note} sent
 * @param {Note} got
 */
function differenceOf(sent, got) {
  if (got.method !== sent.method) return `has the method ${got.method} instead of ${sent.method}`;
  if (got.target !== sent.target) return `has the target ${got.target} instead of ${sent.target}`;
  const headers = [sent, got].map((note) => JSON.stringify(comparableHeaders(note.headers)));
  if (headers[0] !== headers[1]) return `has the headers ${headers[1]} instead of ${headers[0]}`;
  if (got.bodyBytes !== sent.bodyBytes || got.bodySha256 !== sent.bodySha256) return 'has another body';
  return undefined;
}
