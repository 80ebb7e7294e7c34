// Shared keys out of a file: who may read it, what stands in it. A key is never part of a message. Who may read it is checked as
// PostgreSQL does for its key files (be-secure-common.c): on the file that was opened, and nothing is read before.
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { UsageError } from './usage-error.ts';

const MOST_KEYS = 16;
/** Sixteen keys take 1 KB; the rest is for comments. */
const MOST_BYTES = 64 * 1024;
const GROUP_AND_OTHERS = 0o077;
/** Of a file that another user, as a rule root, gives to this process's group. */
const ALL_BUT_GROUP_READS = 0o037;

/**
 * The keys of a file, 32 bytes each, in its order: 1 to 16, none twice. A line is a key, as 64 hexadecimal digits or as base64;
 * blank lines and lines that begin with `#` are passed over. Throws UsageError, one line, where the file cannot be read, is
 * no regular file, may be read by others (systems with modes only), or holds anything else.
 */
export function readKeys(flag: string, path: string): Uint8Array[] {
  const refuse = (why: string): never => {
    throw new UsageError(`${flag}: ${path} ${why}`);
  };
  const keys: Uint8Array[] = [];
  const lineOf = new Map<string, number>();
  for (const [at, line] of textOf(path, refuse).split('\n').entries()) {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) continue;
    const key = keyOf(text);
    if (key === undefined)
      return refuse(`has no key in line ${at + 1}: a key is 64 hexadecimal digits, or base64 of 32 bytes`);
    if (key.every((byte) => byte === 0)) return refuse(`has only zeros in line ${at + 1}: that is no key`);
    const digits = key.toString('hex');
    const earlier = lineOf.get(digits);
    if (earlier !== undefined) return refuse(`has the same key in lines ${earlier} and ${at + 1}`);
    lineOf.set(digits, at + 1);
    keys.push(Uint8Array.from(key));
  }
  if (keys.length === 0) refuse('holds no key: gor key prints a new one');
  if (keys.length > MOST_KEYS) refuse(`holds ${keys.length} keys: ${MOST_KEYS} is the most`);
  return keys;
}

function textOf(path: string, refuse: (why: string) => never): string {
  let file: number;
  try {
    // What is no regular file, such as a pipe, must not hold up the start.
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    return refuse(`cannot be read (${codeOf(error)})`);
  }
  try {
    const problem = problemOf(path, fstatSync(file));
    if (problem !== undefined) refuse(problem);
    const bytes = contentOf(file);
    return bytes.length > MOST_BYTES ? refuse(`is longer than 64 KB: that is no key file`) : bytes.toString('utf8');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    return refuse(`cannot be read (${codeOf(error)})`);
  } finally {
    closeSync(file);
  }
}

/** Why the file is not to be trusted with a key. */
function problemOf(path: string, stats: Stats): string | undefined {
  if (!stats.isFile()) return 'is no regular file';
  const user = process.geteuid?.();
  if (user === undefined) return undefined; // a system without modes
  if (stats.uid === user) {
    return (stats.mode & GROUP_AND_OTHERS) === 0 ? undefined : `may be read or written by others: chmod 600 ${path}`;
  }
  if ((stats.mode & ALL_BUT_GROUP_READS) === 0) return undefined;
  return `may be read by all, or written by others than its owner (uid ${stats.uid}): chmod 600 ${path}, or 640`;
}

/** At most one byte more than is taken. */
function contentOf(file: number): Buffer {
  const bytes = Buffer.alloc(MOST_BYTES + 1);
  let length = 0;
  while (length < bytes.length) {
    const read = readSync(file, bytes, length, bytes.length - length, null);
    if (read === 0) break;
    length += read;
  }
  return bytes.subarray(0, length);
}

/** Base64 with or without its padding; one that encodes leftover bits was mistyped. */
function keyOf(text: string): Buffer | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  if (!/^[A-Za-z0-9+/]{43}=?$/.test(text)) return undefined;
  const key = Buffer.from(text, 'base64');
  return key.toString('base64').startsWith(text) ? key : undefined;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
