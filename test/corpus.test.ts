// Captures that nobody here made, held against what others read in them: every request, response and stream of every
// case. Where the expectation leaves no room, ours has to be equal; every other difference stands in a table, with the
// reason why ours is right.
import { createHash } from 'node:crypto';
import {
  type AssemblerCounters,
  type Connection,
  type ConnectionHandlers,
  type Endpoint,
  FrameDecoder,
  readCapture,
  type StreamHandler,
  TcpAssembler,
} from '@gor/capture';
import { bodyOf, type HttpRequest, MemoryBudget, RequestParser, roleOf } from '@gor/http';
import { afterAll, describe, expect, test } from 'vitest';
import {
  type CorpusCase,
  type CorpusConnection,
  corpusFolder,
  type Message,
  readCorpus,
  type Stream,
} from './kit/corpus.ts';
import { type Comparison, compareConnections, summedUp } from './kit/corpus-differences.ts';

/** As gor-listen reads files. */
const HOLE_TIMEOUT_MS = 30_000;

/** Where the expectation leaves room and ours differs: a line of `summedUp`, and why ours is right. */
const differing: readonly { readonly case: string; readonly what: string; readonly reason: string }[] = [
  {
    case: 'ack-before-data',
    what: '4 × request (http-0.9) → http-0.9',
    reason: 'refused: a line without a version is HTTP/0.9, whose request ends with the connection',
  },
  {
    case: 'conflicting-content-length',
    what: '1 × request (conflicting-content-length) → content-length-conflict',
    reason: 'refused, RFC 9112 §6.3 step 5',
  },
  {
    case: 'conflicting-content-length',
    what: '1 × request → nothing',
    reason: 'it begins inside of a line behind the refused one: where it begins depends on which length is believed',
  },
  {
    case: 'gso-large-packet-ipv6',
    what: '1 × no connection → a connection',
    reason: 'a TCP segment with an IPv6 length of 0 (BIG TCP): the frame has its length',
  },
  {
    case: 'http09-missing-protocol',
    what: '1 × request (bare-lf, http-0.9) → http-0.9',
    reason: 'refused: HTTP/0.9',
  },
  {
    case: 'http09-variants',
    what: '1 × request (bare-lf, http-0.9) → http-0.9',
    reason: 'refused: HTTP/0.9',
  },
  {
    case: 'http09-variants',
    what: '1 × unfinished (bare-lf, invalid-version) → http-0.9',
    reason: 'POST with a target and no version: refused at its line, whatever follows',
  },
  {
    case: 'http09-variants',
    what: '1 × nothing → malformed-request-line',
    reason: 'GET and nothing else in the line: begun and refused, so counted',
  },
  {
    case: 'http10-options-star-methods',
    what: '1 × request (bare-lf, empty-target) → malformed-request-line',
    reason: 'refused: a request line has a target, RFC 9112 §3',
  },
  {
    case: 'http10-options-star-methods',
    what: '8 × request (bare-lf, invalid-version) → malformed-request-line',
    reason: 'refused: the version is `HTTP/1.`, RFC 9112 §2.3',
  },
  {
    case: 'http10-options-star-methods',
    what: '6 × request (bare-lf, invalid-version) → http-0.9',
    reason: 'refused: `/HTTP/1.1` is the target and no version',
  },
  {
    case: 'http10-options-star-methods',
    what: '1 × request (bare-lf, no-version-but-headers) → http-0.9',
    reason: 'refused: `/HTTP/1.1` is the target and no version',
  },
  {
    case: 'http10-options-star-methods',
    what: '1 × request (bare-lf, invalid-version) → nothing',
    reason: 'neither a version nor a well-known method: nothing in the line is of HTTP',
  },
  {
    case: 'many-encapsulations-synthetic',
    what: '1 × request (invalid-version) → nothing',
    reason: 'SIP, which is another protocol',
  },
  {
    case: 'many-encapsulations-synthetic',
    what: '3 × unfinished → body-too-long',
    reason: 'a body of 1 GiB is refused at its head, whether it comes or not',
  },
  {
    case: 'te-and-content-length',
    what: '1 × request (te-and-content-length) → transfer-encoding-and-content-length',
    reason: 'refused, RFC 9112 §6.3 step 3',
  },
];

/** What cannot be read yet, and what is missing. */
const notYet: readonly { readonly case: string; readonly missing: string }[] = [
  { case: 'connect-simple', missing: 'the answer to CONNECT, which makes what follows a tunnel' },
  { case: 'content-length-uint64max', missing: 'passing over a body of more than 2^53 bytes' },
  { case: 'dlt-chdlc', missing: 'Cisco HDLC' },
  { case: 'dlt-nflog', missing: 'NFLOG' },
  { case: 'geneve-many-options', missing: 'Geneve' },
  { case: 'gre-erspan-vxlan', missing: 'GRE, ERSPAN, VXLAN' },
  { case: 'ipv4-fragments', missing: 'IPv4 fragments' },
  { case: 'ipv6-fragments-tcp-vlan', missing: 'IPv6 fragments' },
  { case: 'mpls-in-vlan', missing: 'MPLS' },
  { case: 'pcapng-all-blocks-le', missing: 'pcapng' },
  { case: 'pcapng-be-several-sections', missing: 'pcapng' },
  { case: 'pcapng-http', missing: 'pcapng' },
  { case: 'pcapng-several-interfaces', missing: 'pcapng' },
  { case: 'pppoe', missing: 'PPPoE' },
  { case: 'tcp-rst-close-pppoe-qinq', missing: 'PPPoE' },
  { case: 'teredo', missing: 'Teredo' },
  { case: 'vxlan', missing: 'VXLAN' },
];

const corpus = readCorpus();
const compared: Comparison[] = [];

describe('every capture of the corpus', () => {
  if (corpus === undefined) {
    test('is there', (context) => context.skip(`there is no ${corpusFolder}; GOR_CORPUS names another folder`));
    return;
  }
  test.for(corpus.map((one) => [one.id, one] as const))('%s', async ([id, one]) => {
    const { problems, details } = await problemsOf(one);
    const missing = notYet.find((row) => row.case === id)?.missing;
    if (missing === undefined) expect(problems, details).toEqual([]);
    else expect(problems, `it is read now: take it out of notYet (${missing})`).not.toEqual([]);
  });
});

afterAll(() => {
  if (corpus === undefined) return;
  const shareOf = (name: 'firmRequests' | 'streams' | 'responses'): string => {
    const sum = (part: 'equal' | 'total') => compared.reduce((before, one) => before + one[name][part], 0);
    return `${sum('equal')} of ${sum('total')}`;
  };
  console.log(
    `${compared.length} captures: firm requests ${shareOf('firmRequests')} equal, streams ${shareOf('streams')}, ` +
      `responses ${shareOf('responses')}; ${differing.length} known differences, ${notYet.length} captures not read yet`,
  );
});

/** What is wrong with a case, table rows that no longer hold included; the details are for people. */
async function problemsOf(one: CorpusCase): Promise<{ problems: string[]; details: string }> {
  const { ours, problems } = await read(one);
  const comparison = compareConnections(one.connections, ours);
  compared.push(comparison);
  const { differences } = comparison;
  const known = differing.filter((row) => row.case === one.id).map(({ what }) => what);
  const found = summedUp(differences.filter(({ isFirm }) => !isFirm));
  problems.push(
    ...summedUp(differences.filter(({ isFirm }) => isFirm)).map((what) => `firm: ${what}`),
    ...found.filter((what) => !known.includes(what)),
    ...known.filter((what) => !found.includes(what)).map((what) => `no longer differs: ${what}`),
  );
  return { problems, details: differences.map(({ detail }) => detail).join('\n') };
}

/** Reads a capture as gor-listen does, every port and both directions. */
async function read({ capture, frames }: CorpusCase): Promise<{ ours: SeenConnection[]; problems: string[] }> {
  const ours: SeenConnection[] = [];
  const problems: string[] = [];
  const budget = new MemoryBudget();
  const assembler = new TcpAssembler({
    roleOf,
    onConnection: (connection) => {
      const seen = new SeenConnection(connection, budget);
      ours.push(seen);
      return seen.handlers;
    },
    limits: { holeTimeoutMs: HOLE_TIMEOUT_MS },
  });
  const decoder = new FrameDecoder({ onSegment: (segment) => assembler.push(segment) });
  try {
    for await (const batch of readCapture(capture)) for (const frame of batch) decoder.push(frame);
  } catch (error) {
    problems.push(String(error)); // none of the captures is damaged
  }
  assembler.close();
  const { seen } = decoder.counters();
  if (seen !== frames) problems.push(`${seen} of ${frames} frames`);
  problems.push(...unbalanced(assembler.counters()), ...ours.flatMap((connection) => connection.unbalanced()));
  return { ours, problems };
}

function unbalanced({
  payloadBytes,
  deliveredBytes,
  duplicateBytes,
  droppedBytes,
  heldBytes,
}: AssemblerCounters): string[] {
  const dropped = Object.values(droppedBytes).reduce((sum, bytes) => sum + bytes, 0);
  const isBalanced = payloadBytes === deliveredBytes + duplicateBytes + dropped && heldBytes === 0;
  return isBalanced ? [] : ['counters of the assembler do not balance'];
}

/** What was read of one connection. */
class SeenConnection implements CorpusConnection {
  readonly client: string;
  readonly server: string;
  readonly clientStream = new SeenStream();
  readonly serverStream = new SeenStream();
  readonly requests: Message[] = [];
  readonly responses = undefined;
  readonly handlers: ConnectionHandlers;
  readonly #parser: RequestParser;

  constructor({ client, server }: Connection, budget: MemoryBudget) {
    this.client = textOf(client);
    this.server = textOf(server);
    this.#parser = new RequestParser({
      budget,
      onRequest: (request) => this.requests.push(messageOf(request)),
      onReject: ({ reason, index }) =>
        this.requests.push({ outcome: reason, fields: {}, label: `message ${index}, refused: ${reason}` }),
    });
    this.handlers = { client: this.#clientHandler(), server: this.serverStream };
  }

  unbalanced(): string[] {
    const { begun, requests, rejected, pushedBytes, deliveredBytes, rejectedBytes, skippedBytes } =
      this.#parser.counters;
    const refused = Object.values(rejected).reduce((sum, count) => sum + count, 0);
    const isBalanced = begun === requests + refused && pushedBytes === deliveredBytes + rejectedBytes + skippedBytes;
    return isBalanced ? [] : [`counters of the parser do not balance: ${this.client} → ${this.server}`];
  }

  #clientHandler(): StreamHandler {
    const stream = this.clientStream;
    const parser = this.#parser;
    return {
      start: (at) => {
        if (at === 'midstream') parser.startMidstream();
      },
      data: (bytes, timestampUs) => {
        stream.data(bytes);
        parser.push(bytes, timestampUs);
      },
      gap: (length, timestampUs) => {
        stream.gap(length);
        parser.gap(length, timestampUs);
      },
      end: (_, timestampUs) => parser.end(timestampUs),
    };
  }
}

/** What was delivered of one direction; adjoining gaps are one. */
class SeenStream implements Stream {
  bytes = 0;
  readonly gaps: [number, number][] = [];
  readonly #hash = createHash('sha256');
  #sha256: string | undefined;
  #offset = 0;

  get sha256(): string {
    this.#sha256 ??= this.#hash.digest('hex');
    return this.#sha256;
  }

  data(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.bytes += bytes.length;
    this.#offset += bytes.length;
  }

  gap(length: number): void {
    const from = this.#offset;
    this.#offset += length;
    const last = this.gaps.at(-1);
    if (last?.[1] === from) last[1] = this.#offset;
    else this.gaps.push([from, this.#offset]);
  }

  end(): void {}
}

function messageOf(request: HttpRequest): Message {
  const { method, target, version, headers, trailers, framing, bodyLength, firstByteUs, bytes, index } = request;
  return {
    outcome: 'whole',
    fields: {
      ...{ method, target, version, headers, trailers, framing, bodyLength, firstByteUs },
      bodySha256: sha256(bodyOf(request)),
      rawLength: bytes.length,
      rawSha256: sha256(bytes),
    },
    label: `message ${index} (${method} ${target})`,
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function textOf({ address, port }: Endpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
