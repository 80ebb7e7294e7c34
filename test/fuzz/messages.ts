// HTTP messages of every kind that has rules of its own, to be mutated.
import { latin1 } from '../kit/every-split.ts';

/** Whole requests. */
export const REQUESTS: readonly Uint8Array[] = [
  'GET /a HTTP/1.1\r\nHost: a\r\n\r\n',
  'PUT /b HTTP/1.1\r\nContent-Length: 11\r\n\r\nhello hello',
  'POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nTrailer: t\r\n\r\n',
  'GET /d HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
  'CONNECT a:443 HTTP/1.1\r\n\r\n',
  'HEAD /e HTTP/1.0\r\n\r\n',
  'PUT /f HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc',
].map(latin1);

/** Whole responses. */
export const RESPONSES: readonly Uint8Array[] = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nTrailer: t\r\n\r\n',
  'HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n',
  'HTTP/1.0 200 OK\r\n\r\nuntil the end',
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x00',
  'HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n',
].map(latin1);

/** What is put into bytes: ends of lines, lengths, beginnings of messages and of other protocols. */
export const PIECES: readonly Uint8Array[] = [
  '\r\n',
  '\r\n\r\n',
  ' ',
  ':',
  'HTTP/1.1',
  'Content-Length: 99999999\r\n',
  '\0',
  '0\r\n',
  'ffffffff\r\n',
  'GET / HTTP/1.1\r\n\r\n',
  'HTTP/1.1 200 OK\r\n\r\n',
  '\x16\x03\x01',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
].map(latin1);
