// Field lines (headers and trailers) as text to a flat list of names and values, in order, case kept. An observer judges
// little: the server already took the message. Source: RFC 9112 §5.

import { isBlank } from './characters.ts';

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
