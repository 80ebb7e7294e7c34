import { expect, test } from 'vitest';
import { parseRequestLine } from '../src/request-line.ts';

test.each<[string, unknown]>([
  ['GET / HTTP/1.1\r\n', { method: 'GET', target: '/', version: '1.1' }],
  ['GET / HTTP/1.0', { method: 'GET', target: '/', version: '1.0' }],
  ['x  /a \t b   HTTP/1.1 \n', { method: 'x', target: '/a \t b', version: '1.1' }],
  ['GET /\tHTTP/1.1', { method: 'GET', target: '/', version: '1.1' }],
  ['GET /HTTP/1.1', 'http-0.9'],
  ['GET / HTTP/1.1 x', 'malformed-request-line'],
  ['GET / HTTP/1.', 'malformed-request-line'],
  ['GET / HTTP/1.11', 'malformed-request-line'],
  ['GET / HTTP/0.9', 'unsupported-version'],
  ['GET  HTTP/1.1', 'malformed-request-line'],
  ['GET ', 'malformed-request-line'],
  ['MY /x', 'not-a-request'],
  ['MY HTTP/1.1', 'malformed-request-line'],
  ['INVITE sip:a@b SIP/2.0', 'not-a-request'],
  ['PRI * HTTP/2.0', 'not-a-request'],
])('%j', (line, expected) => {
  expect(parseRequestLine(line)).toEqual(expected);
});
