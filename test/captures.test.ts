// The captures of test/captures through the listener, against what the servers and clients in them wrote down themselves.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bodyOf, type HttpRequest, type HttpResponse } from '@gor/http';
import { type CapturedRequest, type CapturedResponse, type ListenConfig, type ListenLedger, listen } from 'gor-listen';
import { describe, expect, test } from 'vitest';

const FOLDER = join(import.meta.dirname, 'captures');
const CAPTURE_NAME = /\.(pcap|pcapng|pcap\.gz)$/;
const PORT = 8973;
const MAX_BYTES = 100_000;
const MAX_BYTES_OF_ALL = 1_000_000;

/** Names that an expectation's `notHttp` may use; what has no name of its own is `other`. */
const namedProtocols = ['tls', 'http2', 'ssh'];

interface ExpectedMessage {
  readonly client?: string;
  readonly version: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly bodyBytes: number;
  readonly bodySha256: string;
  readonly trailers?: readonly (readonly [string, string])[];
}

interface ExpectedRequest extends ExpectedMessage {
  readonly method: string;
  readonly target: string;
}

interface ExpectedResponse extends ExpectedMessage {
  readonly status: number;
  readonly reason: string;
}

interface Expectation {
  readonly requests: readonly ExpectedRequest[];
  readonly responses?: readonly ExpectedResponse[];
  readonly notWhole?: readonly string[];
  readonly notHttp?: Readonly<Record<string, number>>;
}

const files = readdirSync(FOLDER).filter((name) => CAPTURE_NAME.test(name));
const cases = files.map((file): [name: string, file: string] => [nameOf(file), file]);

describe('each capture', () => {
  test.each(cases)('%s', async (name, file) => {
    const expectation = expectationOf(name);
    const { requests, notWhole = [], notHttp = {} } = expectation;
    expect(requests.length + notWhole.length + sumOf(notHttp), 'what is expected').toBeGreaterThan(0);
    const outcome = await read(file);
    if (outcome.ledger !== undefined) expectBalance(outcome.ledger);
    expect(differencesBetween(expectation, outcome)).toEqual([]);
  });
});

describe('the folder', () => {
  const script = readFileSync(join(FOLDER, 'make.sh'), 'utf8');
  const page = readFileSync(join(FOLDER, 'README.md'), 'utf8');

  test.each(cases)('%s has its function in make.sh, its expectation and its line in the README', (name, file) => {
    expect(script).toContain(`\n${name.replaceAll('-', '_')}() {`);
    expect(existsSync(join(FOLDER, `${name}.json`))).toBe(true);
    expect(page.split('\n').filter((line) => line.startsWith(`| \`${file}\` |`))).toHaveLength(1);
    expect(statSync(join(FOLDER, file)).size).toBeLessThan(MAX_BYTES);
  });

  test('has no expectation, function, line or row of what is not there', () => {
    const names = cases.map(([name]) => name).sort();
    const expectations = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
    expect(expectations.map((name) => name.slice(0, -'.json'.length)).sort()).toEqual(names);
    const functions = [...script.matchAll(/^([a-z0-9_]+)\(\) \{/gm)].map(([, name]) => name!.replaceAll('_', '-'));
    expect(functions.filter((name) => name !== 'make').sort()).toEqual(names);
    const lines = [...page.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name!);
    expect(lines.filter((name) => CAPTURE_NAME.test(name)).sort()).toEqual([...files].sort());
  });

  test('is small', () => {
    const bytes = readdirSync(FOLDER).reduce((sum, name) => sum + statSync(join(FOLDER, name)).size, 0);
    expect(bytes).toBeLessThan(MAX_BYTES_OF_ALL);
  });
});

interface Outcome {
  readonly requests: readonly ExpectedRequest[];
  readonly responses: readonly ExpectedResponse[];
  /** Undefined where the file could not be opened. */
  readonly ledger: ListenLedger | undefined;
  readonly failure: string | null;
}

/** All that the listener tells of a capture. */
async function read(file: string): Promise<Outcome> {
  const requests: ExpectedRequest[] = [];
  const responses: ExpectedResponse[] = [];
  const config: ListenConfig = {
    source: { kind: 'file', path: join(FOLDER, file), speed: Number.POSITIVE_INFINITY },
    ports: [PORT],
    filter: undefined,
    direction: 'both',
    replay: undefined,
    maxBodyBytes: 1_000_000,
  };
  try {
    const ledger = await listen(config, {
      onRequest: (captured) => requests.push(requestOf(captured)) > 0,
      onResponse: (captured) => responses.push(responseOf(captured)) > 0,
    });
    return { requests, responses, ledger, failure: ledger.failure };
  } catch (error) {
    return { requests, responses, ledger: undefined, failure: String(error) };
  }
}

function requestOf({ request, connection }: CapturedRequest): ExpectedRequest {
  const { method, target, version } = request;
  return { client: clientOf(connection), method, target, version, ...contentOf(request) };
}

function responseOf({ response, connection }: CapturedResponse): ExpectedResponse {
  const { status, reason, version } = response;
  return { client: clientOf(connection), status, reason, version, ...contentOf(response) };
}

function clientOf({ client }: CapturedRequest['connection']): string {
  return `${client.address} ${client.port}`;
}

function contentOf(message: HttpRequest | HttpResponse) {
  const { bodyLength: bodyBytes } = message;
  const bodySha256 = createHash('sha256').update(bodyOf(message)).digest('hex');
  const content = { headers: pairsOf(message.headers), bodyBytes, bodySha256 };
  return message.trailers.length === 0 ? content : { ...content, trailers: pairsOf(message.trailers) };
}

function pairsOf(flat: readonly string[]): [string, string][] {
  return flat.flatMap((name, at): [string, string][] => (at % 2 === 0 ? [[name, flat[at + 1]!]] : []));
}

/** What is not as expected, a line each; none where all is. */
function differencesBetween(expectation: Expectation, { requests, responses, ledger, failure }: Outcome): string[] {
  const differences: string[] = failure === null ? [] : [failure];
  differences.push(...differencesOf('request', expectation.requests, requests));
  if (expectation.responses !== undefined)
    differences.push(...differencesOf('response', expectation.responses, responses));
  if (ledger === undefined) return differences;
  const wanted = inNames(expectation.notHttp);
  const got = inNames(ledger.connections.otherProtocols);
  const names = expectation.notHttp === undefined ? namedProtocols : [...namedProtocols, 'other'];
  const isSame = names.every((name) => wanted[name] === got[name]);
  if (!isSame) differences.push(`without HTTP: expected ${JSON.stringify(wanted)}, found ${JSON.stringify(got)}`);
  const notWhole = expectation.notWhole?.length ?? 0;
  const dropped = sumOf(ledger.dropped);
  if (dropped > notWhole)
    differences.push(`${dropped} requests dropped, ${notWhole} can be: ${JSON.stringify(ledger.dropped)}`);
  return differences;
}

function differencesOf(
  kind: string,
  expectation: readonly ExpectedMessage[],
  messages: readonly ExpectedMessage[],
): string[] {
  const differences: string[] = [];
  const expected = byClient(expectation);
  const found = byClient(expected.has('') ? messages.map(({ client: _, ...message }) => message) : messages);
  for (const client of new Set([...expected.keys(), ...found.keys()])) {
    const [wanted, got] = [expected.get(client) ?? [], found.get(client) ?? []];
    for (let at = 0; at < Math.max(wanted.length, got.length); at++) {
      const [want, have] = [JSON.stringify(wanted[at]), JSON.stringify(got[at])];
      if (want !== have) differences.push(`${kind} ${at} of ${client}: expected ${want}, found ${have}`);
    }
  }
  return differences;
}

function byClient(messages: readonly ExpectedMessage[]): Map<string, ExpectedMessage[]> {
  const groups = new Map<string, ExpectedMessage[]>();
  for (const message of messages) {
    const { client = '' } = message;
    groups.set(client, [...(groups.get(client) ?? []), message]);
  }
  return groups;
}

/** Counts under the names that expectations use. */
function inNames(counts: Readonly<Record<string, number>> = {}): Record<string, number> {
  const named: Record<string, number> = {};
  for (const name of namedProtocols) named[name] = counts[name] ?? 0;
  const others = Object.entries(counts).filter(([name]) => !namedProtocols.includes(name));
  return { ...named, other: sumOf(Object.fromEntries(others)) };
}

function expectBalance({ captured, sent, dropped, frames, connections, responses }: ListenLedger): void {
  expect(responses.seen, 'responses').toBe(responses.whole + sumOf(responses.dropped));
  expect(captured, 'requests').toBe(sent + sumOf(dropped));
  const { joined, held } = frames.fragments;
  expect(frames.seen, 'frames').toBe(frames.segments + sumOf(frames.rejected) + joined);
  expect(held, 'fragments held at the end').toBe(0);
  expect(connections.segments, 'segments').toBe(frames.segments);
  const { deliveredBytes, duplicateBytes, droppedBytes, heldBytes } = connections;
  expect(connections.payloadBytes, 'payload').toBe(deliveredBytes + duplicateBytes + sumOf(droppedBytes) + heldBytes);
  expect(heldBytes, 'held at the end').toBe(0);
  expect(connections.connections, 'connections').toBe(sumOf(connections.connectionsEnded));
}

function sumOf(counts: object): number {
  return Object.values(counts).reduce((sum: number, count: number) => sum + count, 0);
}

function expectationOf(name: string): Expectation {
  return JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as Expectation;
}

function nameOf(file: string): string {
  return file.slice(0, file.indexOf('.'));
}
