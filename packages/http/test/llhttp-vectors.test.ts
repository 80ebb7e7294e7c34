// The parser vectors of llhttp, each at every split: where messages begin and end, and what stands in them, agrees, but for
// the rows below. The vectors are not in this repository: GOR_CORPUS, or the folder shared/corpus beside it, has them.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { asLatin1, everySplit, latin1 } from '../../../test/kit/every-split.ts';
import { bodyOf, type HttpRequest, type HttpResponse, RequestParser, ResponseParser } from '../src/index.ts';
import { expectBalance, expectResponseBalance } from './every-way.ts';

const FOLDER = process.env['GOR_CORPUS'] ?? join(import.meta.dirname, '../../../../shared/corpus');
const FILE = join(FOLDER, 'llhttp-vectors.json');

/** Where we knowingly differ: each cause has its line in docs/supported.md. */
const DIFFERENCES: readonly (readonly [cause: string, ids: readonly string[]])[] = [
  [
    'bare LF ends lines',
    [
      ...['request/invalid:454', 'request/invalid:531', 'request/sample:394'],
      ...['response/invalid:287', 'response/invalid:327', 'response/sample:330'],
    ],
  ],
  [
    'bare CR is a byte like any other, and ends no line',
    [
      ...['request/connection:208', 'request/content-length:421', 'request/content-length:519', 'request/invalid:87'],
      ...['request/invalid:181', 'request/invalid:216', 'request/invalid:396', 'request/invalid:425'],
      ...['request/lenient-header-value-relaxed:101', 'request/lenient-headers:109', 'request/transfer-encoding:1025'],
      ...['response/invalid:108', 'response/invalid:132', 'response/invalid:151', 'response/invalid:176'],
    ],
  ],
  [
    'header names and values hold any byte',
    [
      ...['request/invalid:287', 'request/invalid:310', 'request/invalid:333', 'request/invalid:372'],
      ...['request/lenient-header-value-relaxed:38', 'request/lenient-headers:82', 'response/sample:574'],
    ],
  ],
  ['blanks before a colon are dropped', ['request/connection:611']],
  ['blanks before the colon of a framing field are refused', ['request/content-length:189']],
  ['folded lines are accepted', ['request/invalid:650']],
  ['any token is a method', ['request/invalid:66', 'request/invalid:356', 'request/method:458']],
  ['targets hold any byte, blanks too', ['request/uri:148', 'request/uri:245']],
  ['blanks around the parts of a status line', ['response/invalid:72', 'response/invalid:90', 'response/invalid:231']],
  [
    'blanks and empty extensions behind a chunk size',
    [
      ...['request/transfer-encoding:291', 'request/transfer-encoding:328', 'request/transfer-encoding:1184'],
      ...['response/transfer-encoding:4', 'response/transfer-encoding:212', 'response/transfer-encoding:248'],
    ],
  ],
  ['a trailer section ends at its first empty line, whatever its line ends', ['request/invalid:568']],
  ['messages behind Connection: close are read', ['request/connection:81']],
  ['CONNECT with a Content-Length has a body', ['request/method:96']],
  [
    'HTTP/0.9 and versions but 1.x are refused',
    [...['request/sample:314', 'request/lenient-version:4', 'response/lenient-version:4', 'response/sample:645']],
  ],
  [
    'RTSP and ICE are other protocols',
    ['request/method:372', 'request/method:400', 'request/method:430', 'response/sample:40', 'response/sample:60'],
  ],
  ['the body of a request is read by its length, whatever a receiver does with it', ['request/content-length:444']],
];

interface Vector {
  readonly id: string;
  readonly type: 'request' | 'response';
  readonly skipBody: boolean;
  readonly inputBase64: string;
  readonly expected: { readonly outcome: string; readonly messages: readonly ExpectedMessage[] };
}

interface ExpectedMessage {
  readonly start: number;
  readonly end: number | null;
  readonly headersEnd: number | null;
  readonly complete: boolean;
  readonly method?: string;
  readonly url?: string;
  readonly statusCode?: number;
  readonly statusText?: string | null;
  readonly headers: readonly (readonly [string, string])[];
  readonly flags: readonly string[] | null;
  readonly bodyBase64: string;
}

const vectors: readonly Vector[] = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')).vectors : [];
const differing = new Map(DIFFERENCES.flatMap(([cause, ids]) => ids.map((id) => [id, cause])));

test('the vectors are here, and every row of differences is one of them', (context) => {
  if (vectors.length === 0) context.skip(`there is no llhttp-vectors.json in ${FOLDER}: set GOR_CORPUS`);
  const ids = new Set(vectors.map(({ id }) => id));
  expect([...differing.keys()].filter((id) => !ids.has(id))).toEqual([]);
});

test('docs/supported.md has a line for each cause of a difference', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/supported.md'), 'utf8');
  const [, section = ''] = page.split('### Where we differ from llhttp');
  const causes = [...section.split('\n## ')[0]!.matchAll(/^\| ([^|]*) \|/gm)].map(([, cause]) => cause!);
  expect(causes.slice(1)).toEqual(DIFFERENCES.map(([cause]) => cause));
});

test.each(vectors.map((vector) => [vector.id, vector] as const))('%s', (id, vector) => {
  const input = Uint8Array.from(Buffer.from(vector.inputBase64, 'base64'));
  const whole = messagesOf(vector, [input]);
  for (const pieces of everySplit(input)) {
    const cut = messagesOf(vector, pieces);
    if (cut !== whole) expect(cut).toBe(whole);
  }
  const expected = JSON.stringify(expectedOf(vector, input.length));
  const cause = differing.get(id);
  if (cause === undefined) expect(whole).toBe(expected);
  else expect(whole, `"${cause}" is no difference any more`).not.toBe(expected);
});

test.each(vectors.filter(isWhole).map((vector) => [vector.id, vector] as const))(
  '%s leaves the message behind it alone',
  (_, vector) => {
    const input = Uint8Array.from(Buffer.from(vector.inputBase64, 'base64'));
    const next = latin1(vector.type === 'request' ? 'GET /n HTTP/1.1\r\n\r\n' : 'HTTP/1.1 204 n\r\n\r\n');
    const all = new Uint8Array([...input, ...next]);
    const expected = expectedOf(vector, input.length).length + 1;
    for (const pieces of everySplit(all)) {
      const messages: string[][] = JSON.parse(messagesOf(vector, pieces));
      if (messages.length !== expected || messages.at(-1)?.[3] !== (vector.type === 'request' ? '/n' : 'n'))
        expect(messages).toHaveLength(expected);
    }
  },
);

/** The messages as text: start, end, method or status, target or reason, headers, body. */
function messagesOf(vector: Vector, pieces: readonly Uint8Array[]): string {
  const messages: unknown[] = [];
  let parser: RequestParser | ResponseParser;
  const take = (message: HttpRequest | HttpResponse): void => {
    // Pieces come one after the other, so a message ends where the parser has read to.
    const { pushedBytes, deliveredBytes, rejectedBytes, skippedBytes } = parser.counters;
    const end = deliveredBytes + rejectedBytes + skippedBytes;
    if (end > pushedBytes) throw new Error('more than was pushed');
    const first = 'method' in message ? [message.method, message.target] : [`${message.status}`, message.reason];
    const headers = message.headers.map((text) => text.replaceAll(/[ \t]+/g, ' '));
    messages.push([end - message.bytes.length, end, ...first, headers, asLatin1(bodyOf(message))]);
  };
  if (vector.type === 'request') parser = new RequestParser({ onRequest: take, onReject: () => {} });
  else {
    const request = vector.skipBody ? { index: 0, method: 'HEAD', target: '/' } : undefined;
    parser = new ResponseParser({ onResponse: take, requestOf: () => request });
  }
  for (const piece of pieces) parser.push(piece, 0);
  if (parser instanceof ResponseParser) parser.end(0, true);
  else parser.end(0);
  if (parser instanceof RequestParser) expectBalance(parser);
  else expectResponseBalance(parser);
  return JSON.stringify(messages);
}

function expectedOf(vector: Vector, inputLength: number): unknown[] {
  const { messages, outcome } = vector.expected;
  const whole = messages.filter(
    (message) => message.complete || (outcome === 'ok' && lastsUntilClose(vector, message)),
  );
  return whole.map(({ start, end, method, url, statusCode, statusText, headers, bodyBase64 }) => [
    ...[start, end ?? inputLength, method ?? `${statusCode}`, url ?? (statusText ?? '').trim()],
    headers.flat().map((text) => text.replace(/[ \t]+$/, '').replaceAll(/[ \t]+/g, ' ')),
    asLatin1(Uint8Array.from(Buffer.from(bodyBase64, 'base64'))),
  ]);
}

/** llhttp leaves such a message open, and we end it with the stream. */
function lastsUntilClose({ type }: Vector, { headersEnd, flags }: ExpectedMessage): boolean {
  const hasLength = flags?.some((flag) => flag === 'CHUNKED' || flag === 'CONTENT_LENGTH') ?? true;
  return type === 'response' && headersEnd !== null && !hasLength;
}

/** Whether it ends with the end of a message that another one may follow. */
function isWhole(vector: Vector): boolean {
  const { messages, outcome } = vector.expected;
  const last = messages.at(-1);
  const isEnd = last?.end === Buffer.from(vector.inputBase64, 'base64').length;
  return outcome === 'ok' && isEnd && messages.every(({ complete }) => complete) && !differing.has(vector.id);
}
