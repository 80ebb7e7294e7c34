// A ledger as people read it: one line a name, groups indented. A group of counts only (reason → count) is one line, with
// the counts that are not zero.
import { terminalText } from './terminal-text.ts';

const LABEL_WIDTH = 26;

/** The lines that show a ledger, without line ends. Lists are shown an entry a block; what is undefined is left out. */
export function ledgerLines(ledger: object, indent = ''): string[] {
  const entries = Object.entries(ledger) as [string, unknown][];
  return entries.flatMap(([name, value]) => (value === undefined ? [] : entryLines(spaced(name), value, indent)));
}

function entryLines(label: string, value: unknown, indent: string): string[] {
  if (Array.isArray(value)) {
    if (value.length === 0) return [oneLine(label, 'none', indent)];
    return value.flatMap((item, at) => entryLines(`${label} ${at + 1}`, item, indent));
  }
  if (typeof value !== 'object' || value === null) return [oneLine(label, scalarText(value), indent)];
  if (Object.values(value).every((count) => typeof count === 'number'))
    return [oneLine(label, countsText(value), indent)];
  return [`${indent}${label}`, ...ledgerLines(value, `${indent}  `)];
}

function oneLine(label: string, text: string, indent: string): string {
  return `${`${indent}${label}`.padEnd(LABEL_WIDTH)} ${text}`;
}

/** `a 2, b 1`, without the zeros; `none` where there are no others. */
function countsText(counts: object): string {
  const entries = Object.entries(counts) as [string, number][];
  const texts = entries
    .filter(([, count]) => count !== 0)
    .map(([name, count]) => `${spaced(name)} ${scalarText(count)}`);
  return texts.length === 0 ? 'none' : texts.join(', ');
}

function scalarText(value: unknown): string {
  return value === null ? '-' : terminalText(String(value));
}

/** `beforeStart` as `before start`; reasons such as `head-too-long` stay as they are. */
function spaced(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`);
}
