// A request or a response as a line for people, and as a line of JSON: whole, and harmless to a terminal.
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { requestJson, requestLine, responseJson, responseLine } from '../src/index.ts';
import { captured, capturedResponse } from './captured.ts';

const digestOf = (text: string) => createHash('sha256').update(text, 'latin1').digest('hex');

describe('for people', () => {
  test.each<[sentence: string, text: string, line: string]>([
    ['time in microseconds, both ends, the request line', 'GET /a HTTP/1.1\r\n\r\n', 'GET /a HTTP/1.1'],
    ['the length of a body', 'PUT /a HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi', 'PUT /a HTTP/1.0 (2 body bytes)'],
    [
      'the length of a chunked body without its chunking',
      'PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
      'PUT /a HTTP/1.1 (3 body bytes)',
    ],
    ['an escape sequence is shown, not done', 'GET /\x1b[2J\x9b\\ HTTP/1.1\r\n\r\n', 'GET /\\x1b[2J\\x9b\\\\ HTTP/1.1'],
  ])('%s', (_, text, line) => {
    expect(requestLine(captured(text))).toBe(`22:13:20.000042 192.0.2.1:5000 > 192.0.2.2:80 ${line}`);
  });

  test('IPv6 addresses stand in brackets', () => {
    const client = { address: '2001:db8::1', port: 1 };
    expect(requestLine(captured('GET / HTTP/1.1\r\n\r\n', { client }))).toContain(' [2001:db8::1]:1 > ');
  });
});

describe('as JSON', () => {
  test('every field, headers as pairs in their order and letter case', () => {
    const text = 'POST /p?q HTTP/1.1\r\nhOST: a\r\nX: \r\nhOST: b\r\nContent-Length: 2\r\n\r\nhi';
    expect(JSON.parse(requestJson(captured(text)))).toEqual({
      type: 'request',
      timestampUs: 1_700_000_000_000_042,
      client: '192.0.2.1:5000',
      server: '192.0.2.2:80',
      connection: 7,
      index: 0,
      method: 'POST',
      target: '/p?q',
      version: '1.1',
      headers: [
        ['hOST', 'a'],
        ['X', ''],
        ['hOST', 'b'],
        ['Content-Length', '2'],
      ],
      bodyBytes: 2,
      bodySha256: digestOf('hi'),
    });
  });

  test.each<[sentence: string, text: string, bodyBytes: number, body: string]>([
    ['no body', 'GET / HTTP/1.1\r\n\r\n', 0, ''],
    ['bytes that are no text', 'PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\n\x00\xff\n', 3, '\x00\xff\n'],
    [
      'chunks are taken together',
      'PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nT: u\r\n\r\n',
      5,
      'hello',
    ],
  ])('the body: %s', (_, text, bodyBytes, body) => {
    expect(JSON.parse(requestJson(captured(text)))).toMatchObject({ bodyBytes, bodySha256: digestOf(body) });
  });

  test('is printable ASCII on one line, and still says every byte', () => {
    const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter(
      (c) => !'\r\n\0'.includes(c),
    );
    const value = `x${bytes.join('')}x`;
    const json = requestJson(captured(`GET /\x9b2J HTTP/1.1\r\nX: ${value}\r\n\r\n`));
    expect(json).toMatch(/^[ -~]+$/);
    expect(JSON.parse(json)).toMatchObject({ target: '/\x9b2J', headers: [['X', value]] });
  });
});

describe('responses', () => {
  const GET = 'GET /a HTTP/1.1\r\n\r\n';

  test.each<[sentence: string, text: string, request: string, line: string]>([
    [
      'status, reason, body, request',
      'HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno',
      GET,
      'HTTP/1.1 404 Not Found (2 body bytes) to GET /a',
    ],
    ['no reason, no request known', 'HTTP/1.0 204\r\n\r\n', '', 'HTTP/1.0 204'],
    [
      'an escape sequence is shown, not done',
      'HTTP/1.1 200 \x1b[2J\r\nContent-Length: 0\r\n\r\n',
      GET,
      'HTTP/1.1 200 \\x1b[2J to GET /a',
    ],
  ])('for people: %s', (_, text, request, line) => {
    expect(responseLine(capturedResponse(text, request))).toBe(`22:13:20.000042 192.0.2.1:5000 < 192.0.2.2:80 ${line}`);
  });

  test('as JSON: every field', () => {
    const text = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nT: u\r\n\r\n';
    expect(JSON.parse(responseJson(capturedResponse(text, GET)))).toEqual({
      type: 'response',
      timestampUs: 1_700_000_000_000_042,
      client: '192.0.2.1:5000',
      server: '192.0.2.2:80',
      connection: 7,
      request: 0,
      status: 200,
      reason: 'OK',
      version: '1.1',
      isInterim: false,
      headers: [['Transfer-Encoding', 'chunked']],
      bodyBytes: 2,
      bodySha256: digestOf('hi'),
      trailers: [['T', 'u']],
    });
  });

  test('as JSON: an interim one, and one whose request is not known', () => {
    expect(JSON.parse(responseJson(capturedResponse('HTTP/1.1 103 Early Hints\r\n\r\n', GET)))).toMatchObject({
      isInterim: true,
      request: 0,
    });
    expect(JSON.parse(responseJson(capturedResponse('HTTP/1.1 204 No\r\n\r\n', '')))).toMatchObject({
      isInterim: false,
      request: null,
    });
  });
});
