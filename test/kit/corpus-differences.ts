// Where what was read of a capture differs from what is expected of it. Messages of a connection are aligned, so that one
// missing or made up does not make all behind it differ.
import type { CorpusConnection, Message, Stream } from './corpus.ts';

/** One difference. */
export interface Difference {
  /** `expected → ours`, the same text for differences of the same kind. */
  readonly what: string;
  /** For people: where, and what stands on either side. */
  readonly detail: string;
  /** An expectation that leaves no room differs. */
  readonly isFirm: boolean;
}

/** What was compared, and how much of it is equal. */
export interface Comparison {
  readonly differences: readonly Difference[];
  readonly firmRequests: Share;
  readonly streams: Share;
  readonly responses: Share;
}

/** So many of so many. */
export interface Share {
  equal: number;
  total: number;
}

/**
 * Compares the connections of one capture; each list in the order of the capture. Responses that are not read count as
 * unequal, and are no difference.
 */
export function compareConnections(
  expected: readonly CorpusConnection[],
  ours: readonly CorpusConnection[],
): Comparison {
  const differences: Difference[] = [];
  const [firmRequests, streams, responses] = [noShare(), noShare(), noShare()];
  const left = [...ours];
  for (const connection of expected) {
    const at = left.findIndex((other) => hasSameEnds(connection, other));
    const found = at < 0 ? nothingOf(connection) : asSeenFrom(connection, left[at]!);
    if (at >= 0 && left[at]!.client !== connection.client) differences.push(rolesSwapped(connection));
    if (at >= 0) left.splice(at, 1);
    differences.push(...compareStreams(connection, found, streams));
    differences.push(...compareMessages('request', connection, found.requests, firmRequests));
    if (found.responses === undefined) responses.total += connection.responses?.length ?? 0;
    else differences.push(...compareMessages('response', connection, found.responses, responses));
  }
  for (const { client, server } of left) {
    differences.push({
      what: 'no connection → a connection',
      detail: `${client} → ${server} is not expected`,
      isFirm: false,
    });
  }
  return { differences, firmRequests, streams, responses };
}

/** The same differences counted: `2 × expected → ours`. */
export function summedUp(differences: readonly Difference[]): string[] {
  const counts = new Map<string, number>();
  for (const { what } of differences) counts.set(what, (counts.get(what) ?? 0) + 1);
  return [...counts].map(([what, count]) => `${count} × ${what}`).sort();
}

function noShare(): Share {
  return { equal: 0, total: 0 };
}

function hasSameEnds(one: CorpusConnection, other: CorpusConnection): boolean {
  const isSame = one.client === other.client && one.server === other.server;
  return isSame || (one.client === other.server && one.server === other.client);
}

/** The other connection with its streams as the first one names them; messages stay with the ends that sent them. */
function asSeenFrom(one: CorpusConnection, other: CorpusConnection): CorpusConnection {
  if (one.client === other.client) return other;
  return { ...other, clientStream: other.serverStream, serverStream: other.clientStream };
}

function nothingOf({ client, server }: CorpusConnection): CorpusConnection {
  const none: Stream = { bytes: 0, sha256: '', gaps: [] };
  return { client, server, clientStream: none, serverStream: none, requests: [], responses: [] };
}

function rolesSwapped({ client, server }: CorpusConnection): Difference {
  return { what: 'client → server', detail: `${client} → ${server}: client and server are swapped`, isFirm: false };
}

function compareStreams(expected: CorpusConnection, ours: CorpusConnection, share: Share): Difference[] {
  const differences: Difference[] = [];
  for (const side of ['clientStream', 'serverStream'] as const) {
    if (expected[side].bytes === 0 && ours[side].bytes === 0) continue;
    share.total++;
    const wrong = (['bytes', 'sha256', 'gaps'] as const).filter(
      (name) => JSON.stringify(expected[side][name]) !== JSON.stringify(ours[side][name]),
    );
    if (wrong.length === 0) share.equal++;
    else {
      const detail = `${expected.client} → ${expected.server}, ${side}: ${textOf(expected[side])} → ${textOf(ours[side])}`;
      differences.push({ what: `${side} → other ${wrong.join(', ')}`, detail, isFirm: false });
    }
  }
  return differences;
}

function compareMessages(
  kind: 'request' | 'response',
  { client, server, requests, responses = [] }: CorpusConnection,
  ours: readonly Message[],
  share: Share,
): Difference[] {
  const expected = kind === 'request' ? requests : responses;
  const differences: Difference[] = [];
  for (const [wanted, found] of alignments(expected, ours)) {
    const counts = kind === 'response' || wanted?.isFirm === true;
    if (wanted !== undefined && counts) share.total++;
    const wrong = wrongFields(wanted, found);
    if (wrong?.length === 0) {
      if (counts) share.equal++;
      continue;
    }
    const what = `${kindOf(kind, wanted)} → ${wrong === undefined ? kindOf(kind, found) : `other ${wrong.join(', ')}`}`;
    const values =
      wrong?.map((name) => `\n    ${name}: ${fieldText(wanted, name)}\n      → ${fieldText(found, name)}`) ?? [];
    const detail = `${client} → ${server}: ${wanted?.label ?? 'nothing'} → ${found?.label ?? 'nothing'}${values.join('')}`;
    differences.push({ what, detail, isFirm: wanted?.isFirm === true });
  }
  return differences;
}

/** The fields that differ; none where both are not whole for the same reason; undefined where they are not the same thing at all. */
function wrongFields(expected: Message | undefined, ours: Message | undefined): string[] | undefined {
  if (expected === undefined || ours === undefined || expected.outcome !== ours.outcome) return undefined;
  if (expected.outcome !== 'whole') return [];
  return Object.keys(expected.fields).filter(
    (name) => name in ours.fields && JSON.stringify(expected.fields[name]) !== JSON.stringify(ours.fields[name]),
  );
}

function kindOf(kind: 'request' | 'response', message: Message | undefined): string {
  if (message === undefined) return 'nothing';
  const anomalies = message.anomalies?.length ? ` (${message.anomalies.join(', ')})` : '';
  return `${message.outcome === 'whole' ? kind : message.outcome}${anomalies}`;
}

/** Pairs with the fewest differences; undefined on the side where nothing stands. */
function alignments(
  expected: readonly Message[],
  ours: readonly Message[],
): [expected: Message | undefined, ours: Message | undefined][] {
  const costs = Array.from({ length: expected.length + 1 }, () => new Float64Array(ours.length + 1));
  for (let i = expected.length; i >= 0; i--) {
    for (let j = ours.length; j >= 0; j--) {
      if (i === expected.length || j === ours.length) costs[i]![j] = expected.length - i + ours.length - j;
      else costs[i]![j] = Math.min(...stepCosts(expected[i]!, ours[j]!, costs, i, j));
    }
  }
  const pairs: [Message | undefined, Message | undefined][] = [];
  for (let i = 0, j = 0; i < expected.length || j < ours.length; ) {
    const cost = costs[i]![j]!;
    const steps =
      i < expected.length && j < ours.length ? stepCosts(expected[i]!, ours[j]!, costs, i, j) : [Infinity, cost, cost];
    if (steps[0] === cost) pairs.push([expected[i++], ours[j++]]);
    else if (i < expected.length && (j === ours.length || steps[1] === cost)) pairs.push([expected[i++], undefined]);
    else pairs.push([undefined, ours[j++]]);
  }
  return pairs;
}

/** Of pairing both, of leaving the expected one alone, of leaving ours alone. */
function stepCosts(
  expected: Message,
  ours: Message,
  costs: readonly Float64Array[],
  i: number,
  j: number,
): [number, number, number] {
  const wrong = wrongFields(expected, ours);
  const pairing = wrong === undefined ? 1.5 : 1.9 * (wrong.length / Object.keys(expected.fields).length);
  return [pairing + costs[i + 1]![j + 1]!, 1 + costs[i + 1]![j]!, 1 + costs[i]![j + 1]!];
}

function fieldText(message: Message | undefined, name: string): string {
  return JSON.stringify(message?.fields[name]) ?? 'nothing';
}

function textOf({ bytes, sha256, gaps }: Stream): string {
  return `${bytes} bytes, ${sha256.slice(0, 8)}, gaps ${JSON.stringify(gaps)}`;
}
