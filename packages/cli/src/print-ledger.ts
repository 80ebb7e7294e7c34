// A ledger as people read it: one line a name, groups indented, zero counts left out of groups of reasons.
import { formatCount } from './quantity.ts';
import { terminalText } from './terminal-text.ts';

/** The lines that show a ledger, without line ends. Lists are shown an entry a block; empty groups as `none`. */
export function ledgerLines(ledger: object, indent = ''): string[] {
  const lines: string[] = [];
  for (const [name, value] of Object.entries(ledger) as [string, unknown][]) {
    if (value !== undefined) lines.push(...entryLines(spaced(name), value, indent));
  }
  return lines;
}

function entryLines(label: string, value: unknown, indent: string): string[] {
  if (Array.isArray(value)) return listLines(label, value, indent);
  if (typeof value !== 'object' || value === null)
    return [`${indent}${label.padEnd(Math.max(1, 24 - indent.length))} ${scalar(value)}`];
  const inner = ledgerLines(value, `${indent}  `);
  return inner.length === 0
    ? [`${indent}${label.padEnd(Math.max(1, 24 - indent.length))} none`]
    : [`${indent}${label}`, ...inner];
}

function listLines(label: string, items: readonly unknown[], indent: string): string[] {
  if (items.length === 0) return [`${indent}${label.padEnd(Math.max(1, 24 - indent.length))} none`];
  if (items.every((item) => typeof item !== 'object'))
    return [`${indent}${label.padEnd(Math.max(1, 24 - indent.length))} ${items.map(scalar).join(', ')}`];
  return items.flatMap((item, at) => entryLines(`${label} ${at + 1}`, item, indent));
}

function scalar(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? formatCount(value) : String(value);
  return value === null || value === undefined ? 'unknown' : terminalText(String(value));
}

/** `beforeStart` as `before start`; reasons such as `head-too-long` stay as they are. */
function spaced(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`);
}
