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
import {
  bodyOf,
  HttpConnection,
  type HttpRequest,
  type HttpResponse,
  MemoryBudget,
  type ParserCounters,
  roleOf,
} from '@gor/http';
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

/** Frames that tshark counts more: blocks of pcapng that hold no packet. */
const blocksCounted: Readonly<Record<string, number>> = { 'pcapng-all-blocks-le': 3, 'pcapng-be-several-sections': 3 };

/** Where the expectation leaves room and ours differs: a line of `summedUp`, and why ours is right. */
const differing: readonly { readonly case: string; readonly what: string; readonly reason: string }[] = [
  {
    case: 'ack-before-data',
    what: '4 × request (http-0.9) → http-0.9',
    reason: 'refused: a line without a version is HTTP/0.9, whose request ends with the connection',
  },
  {
    case: 'ack-before-data',
    what: '1 × response (http-0.9) → nothing',
    reason: 'the answer stands before its request in the capture, and has no status line: not read as an answer',
  },
  {
    case: 'ack-before-data',
    what: '2 × response (http-0.9) → http-0.9',
    reason: 'refused: the answer to HTTP/0.9 has neither head nor length',
  },
  {
    case: 'ack-before-data',
    what: '1 × unfinished (http-0.9) → http-0.9',
    reason: 'refused: HTTP/0.9',
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
    case: 'content-length-uint64max',
    what: '1 × unfinished (huge-content-length) → body-too-long',
    reason: 'refused at its head by its length',
  },
  {
    case: 'dlt-raw-ip',
    what: '1 × clientStream → other bytes, sha256',
    reason: 'all that the capture holds of the connection is a zero byte that is not pushed: a keep-alive probe',
  },
  {
    case: 'fuzzed-request-head',
    what: '1 × nothing → malformed-status-line',
    reason: '`HTTP/!.4 206`: begun and refused, so counted',
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
    case: 'http09-missing-protocol',
    what: '1 × response (http-0.9) → http-0.9',
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
    case: 'http09-variants',
    what: '1 × response (http-0.9) → http-0.9',
    reason: 'refused: HTTP/0.9',
  },
  {
    case: 'http09-variants',
    what: '2 × nothing → http-0.9',
    reason: 'text that answers a request and has no status line: begun and refused, so counted',
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
    case: 'tcp-reassembly-synthetic',
    what: '7 × nothing → http-0.9',
    reason: 'text that answers a request and has no status line: begun and refused, so counted',
  },
  {
    case: 'te-and-content-length',
    what: '1 × request (te-and-content-length) → transfer-encoding-and-content-length',
    reason: 'refused, RFC 9112 §6.3 step 3',
  },
];

const corpus = readCorpus();
const compared: Comparison[] = [];

describe('every capture of the corpus', () => {
  if (corpus === undefined) {
    test('is there', (context) => context.skip(`there is no ${corpusFolder}; GOR_CORPUS names another folder`));
    return;
  }
  test.for(corpus.map((one) => [one.id, one] as const))('%s', async ([, one]) => {
    const { problems, details } = await problemsOf(one);
    expect(problems, details).toEqual([]);
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
      `responses ${shareOf('responses')}; ${differing.length} known differences`,
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
async function read({ id, capture, frames }: CorpusCase): Promise<{ ours: SeenConnection[]; problems: string[] }> {
  const ours: SeenConnection[] = [];
  const problems: string[] = [];
  const [budget, responseBudget] = [new MemoryBudget(), new MemoryBudget()];
  const assembler = new TcpAssembler({
    roleOf,
    onConnection: (connection) => {
      const seen = new SeenConnection(connection, budget, responseBudget);
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
  if (seen + (blocksCounted[id] ?? 0) !== frames) problems.push(`${seen} of ${frames} frames`);
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
  readonly responses: Message[] = [];
  readonly handlers: ConnectionHandlers;
  readonly #http: HttpConnection;

  constructor({ client, server }: Connection, budget: MemoryBudget, responseBudget: MemoryBudget) {
    this.client = textOf(client);
    this.server = textOf(server);
    this.#http = new HttpConnection({
      ...{ budget, responseBudget },
      onRequest: (request) => this.requests.push(requestOf(request)),
      onResponse: (response) => this.responses.push(responseOf(response)),
      onReject: (reject) => this.requests.push(rejectOf(reject)),
      onResponseReject: (reject) => this.responses.push(rejectOf(reject)),
    });
    this.handlers = {
      client: both(this.#http.client, this.clientStream),
      server: both(this.#http.server, this.serverStream),
    };
  }

  unbalanced(): string[] {
    const { requestCounters, responseCounters } = this.#http;
    const isBalanced =
      balances(requestCounters, requestCounters.requests) && balances(responseCounters, responseCounters.responses);
    return isBalanced ? [] : [`counters of the parsers do not balance: ${this.client} → ${this.server}`];
  }
}

function balances(
  counters: Pick<ParserCounters, 'begun' | 'pushedBytes' | 'deliveredBytes' | 'rejectedBytes' | 'skippedBytes'> & {
    rejected: Readonly<Record<string, number>>;
  },
  messages: number,
): boolean {
  const { begun, rejected, pushedBytes, deliveredBytes, rejectedBytes, skippedBytes } = counters;
  const refused = Object.values(rejected).reduce((sum, count) => sum + count, 0);
  return begun === messages + refused && pushedBytes === deliveredBytes + rejectedBytes + skippedBytes;
}

function both(http: HttpConnection['client'], seen: SeenStream): StreamHandler {
  return {
    start: (at, timestampUs) => http.start(at, timestampUs),
    data: (bytes, timestampUs) => {
      seen.data(bytes);
      http.data(bytes, timestampUs);
    },
    gap: (length, timestampUs) => {
      seen.gap(length);
      http.gap(length, timestampUs);
    },
    end: (reason, timestampUs) => http.end(reason, timestampUs),
  };
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

function requestOf(request: HttpRequest): Message {
  const { method, target, bytes, index } = request;
  const fields = { method, target, ...fieldsOf(request), rawSha256: sha256(bytes) };
  return { outcome: 'whole', fields, label: `message ${index} (${method} ${target})` };
}

function responseOf(response: HttpResponse): Message {
  const { status, reason, isInterim, index, request } = response;
  const fields = { status, reason, interim: isInterim, ...fieldsOf(response), answers: request?.index ?? null };
  return { outcome: 'whole', fields, label: `message ${index} (${status} ${reason})` };
}

function rejectOf({ reason, index }: { readonly reason: string; readonly index: number }): Message {
  return { outcome: reason, fields: {}, label: `message ${index}, refused: ${reason}` };
}

function fieldsOf(message: HttpRequest | HttpResponse): Message['fields'] {
  const { version, headers, trailers, framing, bodyLength, firstByteUs, bytes } = message;
  const rawLength = bytes.length;
  return {
    version,
    headers,
    trailers,
    framing,
    bodyLength,
    firstByteUs,
    bodySha256: sha256(bodyOf(message)),
    rawLength,
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function textOf({ address, port }: Endpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
