// One outgoing message out of a captured one: its very bytes, but for what `outgoingChanges.exact` lists. Where the bytes
// are not the request's own (bodyStart is missing), the head is written out of the fields.
// Source: RFC 9112 §3 (request line), §5.2 (folded lines), §9.3 (persistence); RFC 9110 §7.6.1 (Connection).

import { latin1 } from './latin1.ts';
import { markName, markValue, type OutgoingSettings } from './outgoing-settings.ts';
import type { ReplayRequest } from './request.ts';

/** Messages of up to so many bytes are one string: cheaper to hand over than two pieces. Longer bodies are not copied. */
const WHOLE_BYTES = 16 * 1024;
const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const BLANK = 0x20;
const TAB = 0x09;
/** ` HTTP/1.1` and its line end. */
const VERSION_BYTES = 11;
const MARK_LINE = `${markName}: ${markValue}\r\n`;
const KEEP_ALIVE_LINE = 'Connection: keep-alive\r\n';

/** Writes the messages for one target, one after the other. */
export class ExactWriter {
  readonly #settings: OutgoingSettings;
  /** Seen in the head that is being written. */
  #hasConnection = false;
  #hasMark = false;

  constructor(settings: OutgoingSettings) {
    this.#settings = settings;
  }

  /**
   * The message as text, a character a byte: all of it, or the head, and `exactBody` is to follow.
   * Not for requests that `cannotBeWritten`.
   */
  message(request: ReplayRequest): string {
    this.#hasConnection = false;
    this.#hasMark = false;
    const { bytes, bodyStart } = request;
    if (bodyStart === undefined) return this.#composed(request);
    const text = latin1(bytes, 0, bytes.length <= WHOLE_BYTES ? bytes.length : bodyStart);
    return isPlain(request, bodyStart) ? this.#plain(text, request) : this.#odd(text, request, bodyStart);
  }

  /** The captured text in pieces between its changes, cut by the lengths of the fields. */
  #plain(text: string, { method, target, version, headers }: ReplayRequest): string {
    const { basePath } = this.#settings;
    let message = '';
    let from = 0;
    let at = method.length + 1 + target.length;
    if (basePath !== '') {
      message = `${method} ${joinedTarget(target, basePath)}`;
      from = at;
    }
    at += VERSION_BYTES;
    for (let nth = 0; nth + 1 < headers.length; nth += 2) {
      const value = headers[nth + 1]!;
      const start = at + headers[nth]!.length + 2;
      at = start + value.length + 2;
      const outgoing = this.#valueOf(headers[nth]!, value);
      if (outgoing === value) continue;
      message += text.slice(from, start) + outgoing;
      from = at - 2;
    }
    return message + text.slice(from, at) + this.#addedLines(version) + text.slice(at);
  }

  /** The same, line by line, for heads with odd blanks, line ends or folds. What is odd stays, but for folds. */
  #odd(text: string, { method, target, version }: ReplayRequest, bodyStart: number): string {
    let at = endOfLine(text, 0);
    const targetAt = text.indexOf(target, method.length);
    let message = text.slice(0, targetAt) + joinedTarget(target, this.#settings.basePath);
    message += text.slice(targetAt + target.length, at);
    for (let end = endOfLine(text, at); at < bodyStart; end = endOfLine(text, at)) {
      if (lengthOfLineEnd(text, end) === end - at) break;
      const lines = [text.slice(at, end - lengthOfLineEnd(text, end))];
      while (end < bodyStart && isBlank(text.charCodeAt(end))) {
        const next = endOfLine(text, end);
        lines.push(text.slice(end, next - lengthOfLineEnd(text, next)));
        end = next;
      }
      message += this.#oddLine(lines.length === 1 ? lines[0]! : unfolded(lines));
      message += text.slice(end - lengthOfLineEnd(text, end), end);
      at = end;
    }
    return message + this.#addedLines(version) + text.slice(at);
  }

  #oddLine(line: string): string {
    const colon = line.indexOf(':');
    if (colon < 0) return line;
    const name = line.slice(0, endWithoutBlanks(line, 0, colon));
    const start = startWithoutBlanks(line, colon + 1, line.length);
    const end = endWithoutBlanks(line, start, line.length);
    return line.slice(0, start) + this.#valueOf(name, line.slice(start, end)) + line.slice(end);
  }

  /** Out of the fields; the length is the body's, which may be another one than was captured. */
  #composed({ method, target, version, headers, body, framing }: ReplayRequest): string {
    let head = `${method} ${joinedTarget(target, this.#settings.basePath)} HTTP/${version.replace(/^HTTP\//, '')}\r\n`;
    let hasFraming = false;
    for (let nth = 0; nth + 1 < headers.length; nth += 2) {
      const name = headers[nth]!;
      const lower = name.toLowerCase();
      if (lower === 'transfer-encoding' && framing === 'chunked') hasFraming = true;
      else if (lower === 'transfer-encoding' || (lower === 'content-length' && (hasFraming || framing === 'chunked'))) {
        continue;
      }
      let value = this.#valueOf(name, headers[nth + 1]!);
      if (lower === 'content-length') {
        hasFraming = true;
        value = String(body.length);
      }
      head += `${name}: ${value}\r\n`;
    }
    if (!hasFraming && framing === 'chunked') head += 'Transfer-Encoding: chunked\r\n';
    else if (!hasFraming && body.length > 0) head += `Content-Length: ${body.length}\r\n`;
    return `${head}${this.#addedLines(version)}\r\n`;
  }

  /** A field's value as it goes out: the same string where it stays. Told by the length of its name first. */
  #valueOf(name: string, value: string): string {
    if (name.length === 4 && name.toLowerCase() === 'host') {
      return this.#settings.originalHost ? value : this.#settings.authority;
    }
    if (name.length === 10 && name.toLowerCase() === 'connection') {
      this.#hasConnection = true;
      return this.#settings.sessions ? value : keptAlive(value);
    }
    if (name.length === markName.length && name.toLowerCase() === 'gor-replayed') this.#hasMark = true;
    return value;
  }

  #addedLines(version: string): string {
    const mark = this.#settings.mark && !this.#hasMark ? MARK_LINE : '';
    return this.#settings.sessions || this.#hasConnection || !version.endsWith('1.0') ? mark : KEEP_ALIVE_LINE + mark;
  }
}

/** What follows `ExactWriter.message`: views, in order, none of them empty; `undefined` where nothing does. */
export function exactBody(request: ReplayRequest): readonly Uint8Array[] | undefined {
  const { bytes, bodyStart, body } = request;
  if (bodyStart !== undefined) {
    return bytes.length <= WHOLE_BYTES || bytes.length === bodyStart ? undefined : [bytes.subarray(bodyStart)];
  }
  if (request.framing !== 'chunked') return body.length === 0 ? undefined : [body];
  const lastChunk = `0\r\n${fieldLines(request.trailers)}\r\n`;
  if (body.length === 0) return [bytesOf(lastChunk)];
  return [bytesOf(`${body.length.toString(16)}\r\n`), body, bytesOf(`\r\n${lastChunk}`)];
}

const UNWRITABLE = /[\r\n\u0100-\uffff]/;

/** Whether a field made by hand would break out of its line, or is no Latin-1. Captured bytes can always be written. */
export function cannotBeWritten(request: ReplayRequest): boolean {
  if (request.bodyStart !== undefined) return false;
  const { method, target, version, headers, trailers } = request;
  if (UNWRITABLE.test(method) || UNWRITABLE.test(target) || UNWRITABLE.test(version)) return true;
  return headers.some((text) => UNWRITABLE.test(text)) || trailers.some((text) => UNWRITABLE.test(text));
}

/** Whether the head is written as nearly all are, so that the lengths of its fields tell where each stands. */
function isPlain({ bytes, method, target, headers }: ReplayRequest, bodyStart: number): boolean {
  let at = method.length + 1 + target.length + VERSION_BYTES;
  if (bytes[at - 1] !== LF || bytes[at - 2] !== CR) return false;
  for (let nth = 0; nth + 1 < headers.length; nth += 2) {
    const colon = at + headers[nth]!.length;
    at = colon + headers[nth + 1]!.length + 4;
    if (bytes[colon] !== COLON || bytes[colon + 1] !== BLANK) return false;
    if (bytes[at - 1] !== LF || bytes[at - 2] !== CR) return false;
  }
  return at + 2 === bodyStart;
}

const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i;

/** The base path in front of the target's path; `*` and what has no path stay. */
export function joinedTarget(target: string, basePath: string): string {
  if (basePath === '') return target;
  if (target.startsWith('/')) return basePath + target;
  const authority = ABSOLUTE.exec(target)?.[0];
  if (authority === undefined) return target;
  const path = target.slice(authority.length);
  return authority + basePath + (path.startsWith('/') ? path : `/${path}`);
}

/** The option `close` is about the captured connection; this one is to last. The other options stay. */
function keptAlive(value: string): string {
  if (!/close/i.test(value)) return value;
  return value
    .split(',')
    .map((option) => (option.trim().toLowerCase() === 'close' ? option.replace(/close/i, 'keep-alive') : option))
    .join(',');
}

/** Offset behind the next LF, or the text's end. */
function endOfLine(text: string, at: number): number {
  const lineFeed = text.indexOf('\n', at);
  return lineFeed < 0 ? text.length : lineFeed + 1;
}

/** Of a line that ends before `end`: 1 for LF, 2 for CRLF. */
function lengthOfLineEnd(text: string, end: number): number {
  return text.charCodeAt(end - 2) === CR ? 2 : 1;
}

/** RFC 9112 §5.2: one blank stands for a line end and the blanks around it. Linear, whatever stands in the lines. */
function unfolded(lines: readonly string[]): string {
  const last = lines.length - 1;
  return lines
    .map((line, nth) => {
      const start = nth === 0 ? 0 : startWithoutBlanks(line, 0, line.length);
      return line.slice(start, nth === last ? line.length : endWithoutBlanks(line, start, line.length));
    })
    .join(' ');
}

function startWithoutBlanks(text: string, start: number, end: number): number {
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  return start;
}

function endWithoutBlanks(text: string, start: number, end: number): number {
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return end;
}

function isBlank(code: number): boolean {
  return code === BLANK || code === TAB;
}

function fieldLines(fields: readonly string[]): string {
  let lines = '';
  for (let at = 0; at + 1 < fields.length; at += 2) lines += `${fields[at]}: ${fields[at + 1]}\r\n`;
  return lines;
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
