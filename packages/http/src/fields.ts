// Field lines (headers and trailers) as text to a flat list of names and values, in order, case kept. An observer judges
// little: the server already took the message. Source: RFC 9112 §5.

import { CR, isBlank, LF } from './characters.ts';

const NO_FIELDS: readonly string[] = Object.freeze([]);

/**
 * Reads field lines up to the end of the text; empty lines count for nothing. Blanks around names and values are removed,
 * a folded line (obs-fold) is joined with one blank, a line without a colon is a name with an empty value.
 * Names and values keep every other byte, control characters included.
 */
export function parseFields(text: string): readonly string[] | 'malformed-header' {
  const fields: string[] = [];
  let colon = -1;
  for (let at = 0; at < text.length; ) {
    let lineEnd = text.indexOf('\n', at);
    if (lineEnd < 0) lineEnd = text.length;
    const next = lineEnd + 1;
    if (lineEnd > at && text.charCodeAt(lineEnd - 1) === 0x0d) lineEnd--;
    if (colon < at) colon = indexOrEnd(text, ':', at);
    if (lineEnd === at) {
      // the empty line that ends the section
    } else if (isBlank(text.charCodeAt(at))) {
      if (!fold(fields, trimmed(text, at, lineEnd))) return 'malformed-header';
    } else if (colon >= lineEnd) {
      fields.push(trimmed(text, at, lineEnd), '');
    } else {
      const name = nameOf(text, at, colon);
      if (name === undefined) return 'malformed-header';
      fields.push(name, trimmed(text, colon + 1, lineEnd));
    }
    at = next;
  }
  return fields.length === 0 ? NO_FIELDS : fields;
}

/**
 * The value of the first field of that name, or undefined where there is none.
 * `headers` are flat as in a request; letter case does not matter in names.
 */
export function headerValue(headers: readonly string[], name: string): string | undefined {
  const wanted = name.toLowerCase();
  for (let at = 0; at < headers.length; at += 2) {
    const sent = headers[at]!;
    if (sent.length === wanted.length && sent.toLowerCase() === wanted) return headers[at + 1];
  }
  return undefined;
}

/**
 * Of a head's fields, as sent and in order, those that may decide how the message ends and what follows it: so few that
 * looking for each of them costs little. Length and first letter tell; whoever looks compares the names.
 */
export function decisiveFields(headers: readonly string[]): readonly string[] {
  let fields: string[] | undefined;
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]!;
    if (!isDecisive(name.charCodeAt(0), name.length)) continue;
    fields ??= [];
    fields.push(name, headers[at + 1]!);
  }
  return fields ?? NO_FIELDS;
}

/**
 * Reads the fields of a head whose lines are all plain, from `start` on in its text: into `all`, where that is given, and into
 * `decisive` those of {@link decisiveFields}. Returns the place behind the empty line; -1 where that is not there, or where
 * a line is folded, has no colon, blanks before it, or a bare LF: then it is for parseFields, and the lists are of no use.
 */
export function readPlainFields(text: string, start: number, all: string[] | undefined, decisive: string[]): number {
  for (let at = start; ; ) {
    const first = text.charCodeAt(at);
    if (first === CR) return text.charCodeAt(at + 1) === LF ? at + 2 : -1;
    const lineEnd = text.indexOf('\n', at);
    if (lineEnd < 0 || text.charCodeAt(lineEnd - 1) !== CR || isBlank(first)) return -1;
    if (all !== undefined || beginsDecisive(first)) {
      const colon = text.indexOf(':', at);
      if (colon < 0 || colon >= lineEnd || isBlank(text.charCodeAt(colon - 1))) return -1;
      const isWanted = isDecisive(first, colon - at);
      if (all !== undefined || isWanted) {
        const name = text.slice(at, colon);
        const value = trimmed(text, colon + 1, lineEnd - 1);
        all?.push(name, value);
        if (isWanted) decisive.push(name, value);
      }
    }
    at = lineEnd + 1;
  }
}

function beginsDecisive(first: number): boolean {
  const letter = first | 0x20;
  return letter === 0x63 || letter === 0x74 || letter === 0x75 || letter === 0x65;
}

/** `Content-Length`, `Connection`, `Transfer-Encoding`, `Upgrade`, `Expect`, in any case of letters. */
function isDecisive(first: number, length: number): boolean {
  switch (first | 0x20) {
    case 0x63:
      return length === 14 || length === 10;
    case 0x74:
      return length === 17;
    case 0x75:
      return length === 7;
    case 0x65:
      return length === 6;
    default:
      return false;
  }
}

/** Not text.indexOf alone: its -1 would have every later line search the whole text again. */
function indexOrEnd(text: string, character: string, from: number): number {
  const at = text.indexOf(character, from);
  return at < 0 ? text.length : at;
}

/** RFC 9112 §5.2: a folded line continues the value before it; before the first field there is nothing to continue. */
function fold(fields: string[], rest: string): boolean {
  if (fields.length === 0) return false;
  const value = fields[fields.length - 1]!;
  if (rest !== '') fields[fields.length - 1] = value === '' ? rest : `${value} ${rest}`;
  return true;
}

/** RFC 9112 §5.1: blanks before the colon made servers differ on the framing. Harmless in all other fields. */
function nameOf(text: string, start: number, colon: number): string | undefined {
  if (colon === start || !isBlank(text.charCodeAt(colon - 1))) return text.slice(start, colon);
  const name = trimmed(text, start, colon);
  return /^(content-length|transfer-encoding)$/i.test(name) ? undefined : name;
}

/** Text from `start` to `end` without blanks and tabs around it, in time that is linear whatever stands in it. */
export function trimmed(text: string, start: number, end: number): string {
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}
