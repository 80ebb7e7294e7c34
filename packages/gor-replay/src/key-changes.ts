// The keys of --key-file while the program runs: read at the start, and again at SIGHUP, so that keys change without a gap.
import { readKeys, UsageError } from '@gor/cli';
import { wireKey } from '@gor/wire';

/** The keys of a file, all of which are valid at once. Throws UsageError: what readKeys refuses, and two keys with one id. */
export function keysOf(path: string): Uint8Array[] {
  const keys = readKeys('--key-file', path);
  const ids = keys.map(keyIdText);
  const twice = ids.find((id, at) => ids.indexOf(id) < at);
  if (twice === undefined) return keys;
  throw new UsageError(`--key-file: ${path} has two keys that datagrams would name alike, ${twice}: make another one`);
}

/** The id by which datagrams name a key, which tells nothing of the key itself: four hexadecimal digits. */
export function keyIdText(key: Uint8Array): string {
  return wireKey(key).id.toString(16).padStart(4, '0');
}

/** Reads the file again and gives its keys to `setKeys`; a bad file changes nothing. What came of it, as a line for people. */
export function readAgain(path: string, setKeys: (keys: readonly Uint8Array[]) => void): string {
  try {
    const keys = keysOf(path);
    setKeys(keys);
    return `SIGHUP: read ${path} again; valid from now on: ${keys.map(keyIdText).join(', ')}`;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return `SIGHUP: ${error.message}; the keys that were valid stay so`;
  }
}
