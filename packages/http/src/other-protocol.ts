// What the first bytes of a stream say about its protocol. Only signatures that are certain are here: each is fixed by a
// specification and is no text that HTTP or a body would start with. Wrong is worse than late.

import { latin1 } from './latin1.ts';
import { couldBecomeRequest } from './methods.ts';

/**
 * What a stream speaks instead of HTTP/1.x.
 * `http-response`: a client's stream that holds responses, `http-request`: a server's that holds requests: the sides were taken
 * for each other. `unknown`: none of these; a message may still come later in it.
 */
export type OtherProtocol = (typeof otherProtocols)[number];

/** Every name that a stream may get, in alphabetical order but for the last three. */
export const otherProtocols = [
  'amqp',
  'fastcgi',
  'http2',
  'imap',
  'mongodb',
  'mqtt',
  'mysql',
  'postgresql',
  'redis',
  'rtsp',
  'sip',
  'smtp',
  'ssh',
  'tls',
  'http-request',
  'http-response',
  'unknown',
] as const;

/** How much of its beginning a stream shows: `stream` all, `midstream` nothing; `over` is behind its first bytes. */
export type Opening = 'stream' | 'midstream' | 'over';

/** The protocol; or `more` bytes are needed; or a PROXY header, version 1 (the whole line) or 2 (up to its length). */
export type Verdict = OtherProtocol | 'more' | 'proxy-1' | 'proxy-2';

/** A byte value, or the least and the greatest. */
type Byte = number | readonly [number, number];
type Signature = readonly [OtherProtocol, readonly Byte[]];

const ANY: Byte = [0, 255];
const DIGIT: Byte = [0x30, 0x39];
const TLS_VERSION: Byte = [0, 4];

// RFC 8446 §5.1: a handshake record; the draft of SSL 2 (§2.5) for hellos that still come in its form.
const TLS: readonly Signature[] = [
  ['tls', [0x16, 3, TLS_VERSION]],
  ['tls', [[0x80, 0xff], ANY, 1, 3, TLS_VERSION]],
];
// RFC 8446 §5.1: any record, of at most 2^14 + 256 bytes; a hello is known by its type. RFC 5246 §6.2.3 has up to 2^14 + 2048.
const TLS_MIDSTREAM: readonly Signature[] = [
  ['tls', [0x17, 3, TLS_VERSION, [0, 0x47], ANY]],
  ['tls', [0x16, 3, TLS_VERSION, [0, 0x47], ANY, [1, 2]]],
];

const OF_CLIENTS: readonly Signature[] = [
  ...TLS,
  text('http2', 'PRI * HTTP/2.0'), // RFC 9113 §3.4
  text('ssh', 'SSH-'), // RFC 4253 §4.2
  text('http-response', 'HTTP/'),
  text('smtp', 'EHLO '), // RFC 5321 §4.1.1.1
  text('smtp', 'HELO '),
  text('amqp', 'AMQP', [0, 3]), // AMQP 0-9-1 §4.2.2, AMQP 1.0 §2.2
  ['redis', [0x2a, DIGIT, 0x0d, 0x0a, 0x24]], // RESP: an array whose first element is a bulk string
  ['redis', [0x2a, DIGIT, DIGIT, 0x0d, 0x0a, 0x24]],
  ['postgresql', [0, 0, ANY, ANY, 0, 3, 0, [0, 2]]], // PostgreSQL protocol: StartupMessage 3.0 to 3.2
  ['postgresql', [0, 0, 0, 8, 4, 0xd2, 0x16, [0x2f, 0x30]]], // SSLRequest, GSSENCRequest
  ['mqtt', [0x10, [0, 0x7f], 0, 4, 0x4d, 0x51, 0x54, 0x54]], // MQTT 3.1.1 and 5 §3.1
  ['mqtt', [0x10, [0x80, 0xff], [1, 0x7f], 0, 4, 0x4d, 0x51, 0x54, 0x54]],
  ['fastcgi', [1, 1, ANY, ANY, 0, 8, ANY, 0]], // FastCGI 1.0 §3.3, FCGI_BEGIN_REQUEST
  ['mongodb', [ANY, ANY, [0, 2], 0, ANY, ANY, ANY, ANY, 0, 0, 0, 0, [0xd4, 0xdd], 7, 0, 0]], // OP_QUERY, OP_MSG
];

const OF_SERVERS: readonly Signature[] = [
  ...TLS,
  ['http2', [0, 0, [0, 0x60], 4, 0, 0, 0, 0, 0]], // RFC 9113 §3.4: a SETTINGS frame, not acknowledging, on stream 0
  text('ssh', 'SSH-'),
  text('imap', '* OK'), // RFC 9051 §7.1.1
  text('imap', '* PREAUTH'),
  text('rtsp', 'RTSP/'), // RFC 2326 §7.1
  text('sip', 'SIP/2.0 '), // RFC 3261 §7.2
  text('amqp', 'AMQP', [0, 3]),
  ['mysql', [ANY, [0, 1], 0, 0, 10, DIGIT]], // MySQL protocol: HandshakeV10 in the packet numbered 0
];

const SIP_LINE = / SIP\/2\.0\r?\n$/;
const RTSP_LINE = / RTSP\/[12]\.0\r?\n$/;
/** The proxy protocol of HAProxy, §2.1: at most 107 bytes, CRLF included. */
const PROXY_LINE = /^PROXY (?:TCP4|TCP6|UNKNOWN)(?: [^\r\n]*)?\r\n$/;
const MAX_PROXY_LINE_BYTES = 107;
/** §2.2: its signature from the fifth byte on (the four before are empty lines), and `\x20` or `\x21`. */
const PROXY_2: readonly Byte[] = [0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, [0x20, 0x21], ANY, ANY, ANY];

/** What a client's first bytes, which begin no request, belong to; `isLine`: they are one whole line. */
export function protocolOfClient(bytes: Uint8Array, isLine: boolean, opening: Opening): Verdict {
  if (opening !== 'stream') return match(TLS_MIDSTREAM, bytes);
  if (isLine && bytes.length <= MAX_PROXY_LINE_BYTES && PROXY_LINE.test(latin1(bytes, 0, bytes.length)))
    return 'proxy-1';
  const isProxy = matches(PROXY_2, bytes);
  if (isProxy !== false) return isProxy === true ? 'proxy-2' : 'more';
  const found = match(OF_CLIENTS, bytes);
  return found === 'unknown' && isLine ? protocolOfLine(latin1(bytes, 0, bytes.length)) : found;
}

/** What a server's first bytes, which begin no response, belong to. */
export function protocolOfServer(bytes: Uint8Array, opening: Opening): Verdict {
  if (opening !== 'stream') return match(TLS_MIDSTREAM, bytes);
  const found = match(OF_SERVERS, bytes);
  if (found !== 'unknown') return found;
  const isRequest = couldBecomeRequest(bytes);
  return isRequest === undefined ? 'more' : isRequest ? 'http-request' : 'unknown';
}

function protocolOfLine(line: string): OtherProtocol {
  if (SIP_LINE.test(line)) return 'sip'; // RFC 3261 §7.1
  return RTSP_LINE.test(line) ? 'rtsp' : 'unknown'; // RFC 2326 §6.1, RFC 7826 §7.1
}

function match(signatures: readonly Signature[], bytes: Uint8Array): OtherProtocol | 'more' {
  let verdict: OtherProtocol | 'more' = 'unknown';
  for (const [protocol, signature] of signatures) {
    const isMatch = matches(signature, bytes);
    if (isMatch === true) return protocol;
    if (isMatch === undefined) verdict = 'more';
  }
  return verdict;
}

/** Undefined: the bytes end before the signature does. */
function matches(signature: readonly Byte[], bytes: Uint8Array): boolean | undefined {
  const most = Math.min(signature.length, bytes.length);
  for (let at = 0; at < most; at++) {
    const wanted = signature[at]!;
    const byte = bytes[at]!;
    if (typeof wanted === 'number' ? byte !== wanted : byte < wanted[0] || byte > wanted[1]) return false;
  }
  return most === signature.length ? true : undefined;
}

function text(protocol: OtherProtocol, letters: string, ...rest: Byte[]): Signature {
  return [protocol, [...Array.from(letters, (letter) => letter.charCodeAt(0)), ...rest]];
}
