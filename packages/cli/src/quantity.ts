// Sizes, durations, ports and addresses as people type them, and as the programs print them.
// Every parser takes the flag's name and throws UsageError with it.
import { UsageError } from './usage-error.ts';

const BYTES_PER_UNIT: Readonly<Record<string, number>> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };
/** Timers cannot be set further ahead. */
const MAX_DURATION_MS = 24 * 24 * 3_600_000;
const MS_PER_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A size such as `8mb`, `64kb`, `1gb` or `4096` (bytes; 1 kb is 1,024), at least 1 byte; with `orZero` also 0. */
export function parseBytes(flag: string, text: string, orZero = false): number {
  return parseQuantity(flag, text, BYTES_PER_UNIT, 'b', 'a size such as 64kb, 8mb or 1gb', orZero ? 0 : 1);
}

/** A duration such as `500ms`, `1s`, `2m` or `1h`, in milliseconds, up to 24 days; a bare number is seconds. 0 is allowed. */
export function parseDurationMs(flag: string, text: string): number {
  const ms = parseQuantity(flag, text, MS_PER_UNIT, 's', 'a duration such as 500ms, 10s or 2m', 0);
  if (ms <= MAX_DURATION_MS) return ms;
  throw new UsageError(`${flag}: "${text}" is longer than 24 days`);
}

/** A whole number from `least` to `most`. */
export function parseCount(flag: string, text: string, least: number, most: number): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= least && count <= most) return count;
  throw new UsageError(`${flag}: "${text}" is not a whole number from ${least} to ${most}`);
}

/** A port, 1 to 65535; with `orZero` also 0, which lets the system choose a free one. */
export function parsePort(flag: string, text: string, orZero = false): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535 && (port > 0 || orZero)) return port;
  throw new UsageError(`${flag}: "${text}" is not a port (${orZero ? 0 : 1} to 65535)`);
}

/** The parts of a list separated by commas, blanks around them removed; an empty part is refused. */
export function parseList(flag: string, text: string): string[] {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.includes('')) throw new UsageError(`${flag}: "${text}" has an empty part`);
  return parts;
}

/** Where a program is reached: a name or an address (IPv6 without brackets), and a port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address; `defaultPort` where no port is given. */
export function parseHostPort(flag: string, text: string, defaultPort: number): HostPort {
  const match = /^(?:\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|([^\s:[\]/]+))(?::([^/]*))?$/.exec(text);
  if (match !== null) {
    const port = match[3] === undefined ? defaultPort : parsePort(flag, match[3]);
    return { host: (match[1] ?? match[2])!, port };
  }
  if (/^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(text)) return { host: text, port: defaultPort };
  throw new UsageError(
    `${flag}: "${text}" is not host[:port] (an IPv6 address with a port goes in brackets: [::1]:28020)`,
  );
}

/** `host:port`, an IPv6 address in brackets. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A size for people: `8 MB`, `1.5 KB`, `17 B` (1 KB is 1,024 bytes). */
export function formatBytes(bytes: number): string {
  for (const [unit, size] of [
    ['GB', 1024 ** 3],
    ['MB', 1024 ** 2],
    ['KB', 1024],
  ] as const) {
    if (bytes >= size) return `${trimmed(bytes / size)} ${unit}`;
  }
  return `${bytes} B`;
}

/** A duration for people: `250 ms`, `1.5 s`, `2 m`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${trimmed(ms)} ms`;
  return ms < 120_000 ? `${trimmed(ms / 1000)} s` : `${trimmed(ms / 60_000)} m`;
}

/** A count for people, with commas: `1,234,567`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** A part of a whole for people, 0 to 1: `50%`, `0.4%`. */
export function formatPercent(share: number): string {
  return `${trimmed(share * 100)}%`;
}

function parseQuantity(
  flag: string,
  text: string,
  units: Readonly<Record<string, number>>,
  defaultUnit: string,
  expected: string,
  least = 1,
): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const factor = match === null ? undefined : units[match[2]!.toLowerCase() || defaultUnit];
  const value = match === null || factor === undefined ? Number.NaN : Math.round(Number(match[1]) * factor);
  if (value >= least && Number.isSafeInteger(value)) return value;
  throw new UsageError(`${flag}: "${text}" is not ${expected}`);
}

function trimmed(value: number): string {
  return String(Number(value.toFixed(1)));
}
