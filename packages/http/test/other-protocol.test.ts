import { describe, expect, test } from 'vitest';
import { everySplit, latin1 } from '../../../test/kit/every-split.ts';
import { type OtherProtocol, otherProtocols, ResponseParser } from '../src/index.ts';
import { everyWay, expectResponseBalance, NEXT, recorded } from './every-way.ts';

const next = 'GET /next 1.1';
const RECORD = '\x17\x03\x03\x00\x05abcde';

describe('a client’s stream, by its first bytes', () => {
  test.each<[OtherProtocol, string, string]>([
    ['tls', 'a hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['tls', 'a hello in the form of SSL 2', '\x80\x2e\x01\x03\x01\x00\x15\x00\x00'],
    ['http2', 'the preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['ssh', 'an identification', 'SSH-2.0-OpenSSH_9.2p1 Debian\r\n'],
    ['smtp', 'EHLO', 'EHLO me\r\n'],
    ['smtp', 'HELO', 'HELO me\r\n'],
    ['redis', 'a command', '*1\r\n$4\r\nPING\r\n'],
    ['redis', 'a command of many words', '*12\r\n$3\r\nSET\r\n'],
    ['amqp', '0-9-1', 'AMQP\x00\x00\x09\x01'],
    ['amqp', '1.0 with SASL', 'AMQP\x03\x01\x00\x00'],
    ['postgresql', 'a start', '\x00\x00\x00\x29\x00\x03\x00\x00user\x00a\x00'],
    ['postgresql', 'a wish for TLS', '\x00\x00\x00\x08\x04\xd2\x16\x2f'],
    ['mqtt', 'CONNECT', '\x10\x25\x00\x04MQTT\x04\x02\x00\x3c'],
    ['mqtt', 'a long CONNECT', '\x10\x85\x02\x00\x04MQTT\x05\x02\x00\x3c'],
    ['fastcgi', 'the beginning of a request', '\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00'],
    ['mongodb', 'a message', '\x3a\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\xdd\x07\x00\x00\x00'],
    ['sip', 'a request', 'OPTIONS sip:a@b SIP/2.0\r\nVia: c\r\n\r\n'],
    ['rtsp', 'a request', 'DESCRIBE rtsp://a/b RTSP/1.0\r\nCSeq: 1\r\n\r\n'],
    ['http-response', 'a server’s side', 'HTTP/1.1 200 OK\r\n\r\n'],
  ])('%s: %s', (protocol, _, text) => {
    expect(everyWay(`${text}\r\n${NEXT}`).events).toEqual([`protocol ${protocol}`]);
    expect(everyWay(`\r\n${text}`).events).toEqual([`protocol ${protocol}`]);
  });

  test.each<[string, string, string[]]>([
    ['a record of an unknown version', '\x16\x03\x05\x00\x00', ['protocol unknown', next]],
    ['a record of another first byte', '\x15\x03\x01\x00\x02\x01\x00', ['protocol unknown', next]],
    ['a list that is no command', '*1\r\n:5\r\n', ['protocol unknown', next]],
    ['a binary length and no signature', '\x00\x00\x00\x08\x04\xd2\x16\x99', ['protocol unknown', next]],
    ['a word that begins like a signature', 'SSHX\r\n', ['protocol unknown', next]],
    ['text in another language', '\xe4\xf6\xfc\r\n', ['protocol unknown', next]],
    ['what could be a signature, and a request in it', `*1\r\n${NEXT}`, ['protocol unknown', next, next]],
  ])('unknown: %s', (_, text, expected) => {
    expect(everyWay(`${text}\r\n${NEXT}`).events).toEqual(expected);
  });

  test('a signature cut off by the end is unknown; a beginning of a request is nothing', () => {
    expect(everyWay('\x16\x03').events).toEqual(['protocol unknown']);
    expect(everyWay('*1\r\n').events).toEqual(['protocol unknown']);
    expect(everyWay('SSH').events).toEqual([]);
    expect(everyWay('').events).toEqual([]);
  });

  test('behind a request nothing is a signature', () => {
    expect(everyWay(`${NEXT}SSH-2.0-x\r\n${NEXT}`).events).toEqual([next, next]);
  });
});

describe('a server’s stream, by its first bytes', () => {
  test.each<[OtherProtocol, string]>([
    ['tls', '\x16\x03\x03\x00\x7a\x02\x00'],
    ['http2', '\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03'],
    ['ssh', 'SSH-2.0-x\r\n'],
    ['imap', '* OK [CAPABILITY IMAP4rev1] ready\r\n'],
    ['imap', '* PREAUTH ready\r\n'],
    ['rtsp', 'RTSP/1.0 200 OK\r\n\r\n'],
    ['sip', 'SIP/2.0 200 OK\r\n\r\n'],
    ['amqp', 'AMQP\x00\x00\x09\x01'],
    ['mysql', '\x4a\x00\x00\x00\x0a8.0.36\x00'],
    ['http-request', 'GET / HTTP/1.1\r\n\r\n'],
    ['http-request', 'PROPFIND / HTTP/1.1\r\n\r\n'],
    ['unknown', '220 mail.example ESMTP\r\n'],
    ['unknown', 'GETX / HTTP/1.1\r\n\r\n'],
    ['unknown', '+OK ready\r\n'],
  ])('%s: %j', (protocol, text) => {
    for (const pieces of everySplit(latin1(text))) {
      const told: string[] = [];
      const parser = new ResponseParser({ onOtherProtocol: (name) => told.push(name) });
      for (const piece of pieces) {
        parser.push(piece, 0);
        expectResponseBalance(parser);
      }
      parser.end(0);
      expectResponseBalance(parser);
      expect(told).toEqual([protocol]);
      expect(parser.counters.skippedBytes).toBe(text.length);
    }
  });
});

describe('TLS seen from its middle on', () => {
  test.each<[string, string, string[]]>([
    ['a record of data', `${RECORD}${RECORD}\r\n${NEXT}`, ['protocol tls']],
    ['a hello', `\x16\x03\x01\x02\x00\x01\x00\r\n${NEXT}`, ['protocol tls']],
    ['a record in the middle of something else', `abc\r\n${RECORD}\r\n${NEXT}`, [next]],
    ['too long for a record', `\x17\x03\x03\x48\x01abc\r\n${NEXT}`, [next]],
    ['a version that there is not', `\x17\x03\x05\x00\x05abc\r\n${NEXT}`, [next]],
    ['a handshake that is no hello', `\x16\x03\x01\x02\x00\x0b\x00\r\n${NEXT}`, [next]],
    ['cut off', '\x17\x03\x03\x00', []],
    ['no other signature is trusted there', `SSH-2.0-x\r\n${NEXT}`, [next]],
  ])('%s', (_, text, expected) => {
    expect(everyWay(text, { midstream: true }).events).toEqual(expected);
  });
});

test('TLS in a stream that is said to begin in its middle', () => {
  const { parser, events } = recorded();
  parser.startMidstream();
  parser.push(latin1(`${RECORD}\r\n${NEXT}`), 0);
  expect(events).toEqual(['protocol tls']);
});

describe('PROXY headers', () => {
  const version2 = '\r\n\r\n\x00\r\nQUIT\n';
  const addresses = '\x7f\x00\x00\x01\x7f\x00\x00\x01\x30\x39\x00\x50';
  test.each<[string, string, string[]]>([
    ['version 1', `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n${NEXT}`, [next]],
    ['version 1, IPv6', `PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n${NEXT}`, [next]],
    ['version 1, unknown', `PROXY UNKNOWN\r\n${NEXT}`, [next]],
    [
      'version 1, and any method behind it',
      `PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nFOO /next HTTP/1.1\r\n\r\n`,
      ['FOO /next 1.1'],
    ],
    ['version 2', `${version2}\x21\x11\x00\x0c${addresses}${NEXT}`, [next]],
    ['version 2, local', `${version2}\x20\x00\x00\x00${NEXT}`, [next]],
    ['version 2 with text in it', `${version2}\x21\x31\x00${String.fromCharCode(NEXT.length)}${NEXT}${NEXT}`, [next]],
    ['two of them', `${version2}\x21\x11\x00\x0c${addresses}PROXY UNKNOWN\r\n${NEXT}`, [next]],
    ['TLS behind it', `${version2}\x21\x11\x00\x0c${addresses}\x16\x03\x01\x02\x00\x01`, ['protocol tls']],
    [
      'another version of the signature',
      `${version2}\x31\x11\x00\x0c${addresses}\r\n${NEXT}`,
      ['protocol unknown', next],
    ],
    ['a line that is none', `PROXY TCP5 1.2.3.4\r\n${NEXT}`, ['protocol unknown', next]],
    ['a line that is too long', `PROXY UNKNOWN ${'x'.repeat(100)}\r\n${NEXT}`, ['protocol unknown', next]],
    ['only at the beginning', `${NEXT}PROXY UNKNOWN\r\n${NEXT}`, [next, next]],
    ['cut off in its addresses', `${version2}\x21\x11\x00\x0c\x7f`, []],
  ])('%s', (_, text, expected) => {
    expect(everyWay(text).events).toEqual(expected);
  });
});

test('every name is unique', () => {
  expect(new Set(otherProtocols).size).toBe(otherProtocols.length);
});
