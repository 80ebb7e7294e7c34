// The expectation of a capture out of what curl itself says that it sent and received (--trace): for servers that write
// no heads down, such as nginx. curl-trace.mjs OUT.json TRACE...; bodies with Content-Length or in whole chunks only.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { linesOf } from './recorder.mjs';

const [out = '', ...traces] = process.argv.slice(2);
/** @typedef {{ isRequest: boolean, head: string, body: string }} Message */
/** @type {Message[]} */
const requests = [];
/** @type {Message[]} */
const responses = [];

for (const trace of traces) {
  /** @type {Message} */
  let message = { isRequest: false, head: '\r\n\r\n', body: '' };
  /** @type {'head' | 'body' | undefined} */
  let block;
  for (const line of readFileSync(trace, 'latin1').split('\n')) {
    const start = /^(=> Send|<= Recv) (header|data)/.exec(line);
    if (start !== null) {
      const isRequest = start[1] === '=> Send';
      const isHead = start[2] === 'header';
      const isNew = isHead && (isRequest || message.isRequest || message.head.endsWith('\r\n\r\n'));
      if (isNew) {
        message = { isRequest, head: '', body: '' };
        (isRequest ? requests : responses).push(message);
      }
      block = isHead ? 'head' : 'body';
    } else if (/^[0-9a-f]{4,}: /.test(line) && block !== undefined) {
      const hex = line.slice(line.indexOf(': ') + 2).slice(0, 48);
      message[block] += Buffer.from(hex.replaceAll(' ', ''), 'hex').toString('latin1');
    } else block = undefined;
  }
}

/**
 * One message as the expectation has it.
 * @param {Message} message
 */
function entryOf({ isRequest, head, body }) {
  const [line = '', ...fields] = head.trimEnd().split('\r\n');
  const headers = fields.map((field) => [
    field.slice(0, field.indexOf(':')),
    field.slice(field.indexOf(':') + 1).trim(),
  ]);
  const isChunked = /^transfer-encoding: chunked\r$/im.test(head);
  const bytes = Buffer.from(isChunked ? withoutChunks(body) : body, 'latin1');
  const rest = { headers, bodyBytes: bytes.length, bodySha256: createHash('sha256').update(bytes).digest('hex') };
  if (isRequest) {
    const [method, target, version = ''] = line.split(' ');
    return { method, target, version: version.slice(5), ...rest };
  }
  const [, version, status, reason] = /^HTTP\/(\S+) (\d+) ?(.*)$/.exec(line) ?? [];
  return { status: Number(status), reason, version, ...rest };
}

/**
 * @param {string} body
 * @returns {string}
 */
function withoutChunks(body) {
  const size = Number.parseInt(body, 16);
  if (size === 0) return '';
  const start = body.indexOf('\r\n') + 2;
  return body.slice(start, start + size) + withoutChunks(body.slice(start + size + 2));
}

const expectation = { requests: requests.map(entryOf), responses: responses.map(entryOf) };
writeFileSync(out, linesOf(expectation));
