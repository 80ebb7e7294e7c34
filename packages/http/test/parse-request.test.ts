import { expect, test } from 'vitest';
import { latin1 } from '../../../test/kit/every-split.ts';
import { bodyOf, headerValue, parseRequest } from '../src/index.ts';
import { NEXT } from './every-way.ts';

test('one whole request', () => {
  const bytes = latin1('PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nA: b\r\n\r\n');
  const request = parseRequest(bytes, 77);
  expect(request).toEqual({
    method: 'PUT',
    target: '/a',
    version: '1.1',
    headers: ['Transfer-Encoding', 'chunked'],
    bytes,
    bodyStart: 47,
    framing: 'chunked',
    bodyLength: 2,
    trailers: ['A', 'b'],
    firstByteUs: 77,
    lastByteUs: 77,
    index: 0,
  });
  if (typeof request !== 'string') expect(bodyOf(request)).toEqual(latin1('hi'));
});

test.each<[string, string, string]>([
  ['nothing', '', 'unfinished'],
  ['no line end', 'GET / HTTP/1.1', 'unfinished'],
  ['no empty line', 'GET / HTTP/1.1\r\nA: b\r\n', 'unfinished'],
  ['half a body', 'PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab', 'unfinished'],
  ['half a chunk', 'PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab', 'unfinished'],
  ['two requests', NEXT + NEXT, 'trailing-bytes'],
  ['a line end too many', `${NEXT}\r\n`, 'trailing-bytes'],
  ['an empty line first', `\r\n${NEXT}`, 'malformed-request-line'],
  ['no method', ' / HTTP/1.1\r\n\r\n', 'malformed-request-line'],
  ['not HTTP', 'EHLO me\r\n\r\n', 'malformed-request-line'],
  ['HTTP/0.9', 'GET /\r\n', 'http-0.9'],
  ['framing that would be a guess', 'PUT / HTTP/1.1\r\nContent-Length: x\r\n\r\n', 'content-length-invalid'],
  ['a broken chunk', 'PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n', 'malformed-chunk'],
  ['a fold that continues nothing', 'GET / HTTP/1.1\r\n a\r\n\r\n', 'malformed-header'],
])('%s', (_, text, reason) => {
  expect(parseRequest(latin1(text))).toBe(reason);
});

test('a header is found whatever its case, the first of several', () => {
  expect(headerValue(['HOST', 'a', 'host', 'b'], 'Host')).toBe('a');
  expect(headerValue(['X-Host', 'a'], 'host')).toBe(undefined);
});
