// The captures of test/captures through the listener, against what the servers and clients in them wrote down themselves.
// What cannot be read yet stands in one table; a row there that begins to pass fails, so that it is taken out.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as http from '@gor/http';
import { type CapturedRequest, type ListenConfig, type ListenLedger, listen } from 'gor-listen';
import { describe, expect, test } from 'vitest';

const FOLDER = join(import.meta.dirname, 'captures');
const CAPTURE_NAME = /\.(pcap|pcapng|pcap\.gz)$/;
const PORT = 8973;
const MAX_BYTES = 100_000;
const MAX_BYTES_OF_ALL = 1_000_000;

const tunnels = 'nothing is taken out of tunnels';
const fragments = 'fragments are not put together';
const answers = 'answers are not read: ';
/** Captures that are not read as their expectation says, with the reason. To be emptied. */
const notYet: Readonly<Record<string, string>> = {
  compressed: 'gzip is not undone',
  'several-interfaces': 'pcapng is not read',
  'connect-tunnel': `${answers}what runs inside of a tunnel is taken for requests to the proxy`,
  'expect-continue': `${answers}the request behind a refused body is taken for that body`,
  'expect-refused': `${answers}the requests behind a refused body are taken for that body`,
  'proxy-protocol-v2': 'a PROXY header is not known: the first request behind a binary one is lost',
  mpls: tunnels,
  pppoe: tunnels,
  ipip: tunnels,
  'six-in-four': tunnels,
  'four-in-six': tunnels,
  'six-in-six': tunnels,
  gre: tunnels,
  'gre-key': tunnels,
  'gre-over-ipv6': tunnels,
  vxlan: tunnels,
  'vxlan-in-gre': tunnels,
  geneve: tunnels,
  'geneve-options': tunnels,
  teredo: tunnels,
  fragments,
  'ipip-fragments': fragments,
  'vxlan-fragments': fragments,
  'geneve-ipv6-fragments': fragments,
};

/** Names that an expectation's `notHttp` may use; what has no name of its own is `other`. */
const namedProtocols = ['tls', 'http2', 'ssh'];

interface ExpectedRequest {
  readonly client?: string;
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly bodyBytes: number;
  readonly bodySha256: string;
  readonly trailers?: readonly (readonly [string, string])[];
}

interface Expectation {
  readonly requests: readonly ExpectedRequest[];
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
    const differences = differencesBetween(expectation, outcome);
    if (notYet[name] === undefined) expect(differences).toEqual([]);
    else expect(differences, 'it is read as expected now: take its row out of notYet').not.toEqual([]);
  });

  test('is compared without its responses, as long as none are read', () => {
    const readers = Object.keys(http).filter((name) => /response/i.test(name));
    expect(readers, 'responses can be read now: compare them with `responses` of the expectations').toEqual([]);
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
    expect(Object.keys(notYet).filter((name) => !names.includes(name))).toEqual([]);
  });

  test('is small', () => {
    const bytes = readdirSync(FOLDER).reduce((sum, name) => sum + statSync(join(FOLDER, name)).size, 0);
    expect(bytes).toBeLessThan(MAX_BYTES_OF_ALL);
  });
});

interface Outcome {
  readonly requests: readonly ExpectedRequest[];
  /** Undefined where the file could not be opened. */
  readonly ledger: ListenLedger | undefined;
  readonly failure: string | null;
}

/** All that the listener tells of a capture. */
async function read(file: string): Promise<Outcome> {
  const requests: ExpectedRequest[] = [];
  const config: ListenConfig = {
    source: { kind: 'file', path: join(FOLDER, file), speed: Number.POSITIVE_INFINITY },
    ports: [PORT],
    filter: undefined,
    direction: 'both',
    replay: undefined,
    maxBodyBytes: 1_000_000,
  };
  try {
    const ledger = await listen(config, { onRequest: (captured) => requests.push(asExpected(captured)) > 0 });
    return { requests, ledger, failure: ledger.failure };
  } catch (error) {
    return { requests, ledger: undefined, failure: String(error) };
  }
}

function asExpected({ request, connection }: CapturedRequest): ExpectedRequest {
  const { method, target, version, bodyLength: bodyBytes } = request;
  const client = `${connection.client.address} ${connection.client.port}`;
  const bodySha256 = createHash('sha256').update(http.bodyOf(request)).digest('hex');
  const message = { client, method, target, version, headers: pairsOf(request.headers), bodyBytes, bodySha256 };
  return request.trailers.length === 0 ? message : { ...message, trailers: pairsOf(request.trailers) };
}

function pairsOf(flat: readonly string[]): [string, string][] {
  return flat.flatMap((name, at): [string, string][] => (at % 2 === 0 ? [[name, flat[at + 1]!]] : []));
}

/** What is not as expected, a line each; none where all is. */
function differencesBetween(expectation: Expectation, { requests, ledger, failure }: Outcome): string[] {
  const differences: string[] = failure === null ? [] : [failure];
  const expected = byClient(expectation.requests);
  const found = byClient(expected.has('') ? requests.map(({ client: _, ...request }) => request) : requests);
  for (const client of new Set([...expected.keys(), ...found.keys()])) {
    const [wanted, got] = [expected.get(client) ?? [], found.get(client) ?? []];
    for (let at = 0; at < Math.max(wanted.length, got.length); at++) {
      const [want, have] = [JSON.stringify(wanted[at]), JSON.stringify(got[at])];
      if (want !== have) differences.push(`request ${at} of ${client}: expected ${want}, found ${have}`);
    }
  }
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

function byClient(requests: readonly ExpectedRequest[]): Map<string, ExpectedRequest[]> {
  const groups = new Map<string, ExpectedRequest[]>();
  for (const request of requests) {
    const { client = '' } = request;
    groups.set(client, [...(groups.get(client) ?? []), request]);
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

function expectBalance({ captured, sent, dropped, frames, connections }: ListenLedger): void {
  expect(captured, 'requests').toBe(sent + sumOf(dropped));
  expect(frames.seen, 'frames').toBe(frames.segments + sumOf(frames.rejected));
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
