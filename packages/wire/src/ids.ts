// The ids of sessions and receivers: eight random bytes, outside of datagrams 16 lower-case hexadecimal digits.

import { writeU32 } from './big-endian.ts';

/** Text of the two halves of an id. */
export function idText(high: number, low: number): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

/** The two halves of an id; throws a TypeError, naming `option`, where the text is none. */
export function idHalves(option: string, text: string): { readonly high: number; readonly low: number } {
  if (!/^[0-9a-f]{16}$/.test(text)) {
    throw new TypeError(`${option} must be 16 lower-case hexadecimal digits, not ${JSON.stringify(text)}`);
  }
  return { high: Number.parseInt(text.slice(0, 8), 16), low: Number.parseInt(text.slice(8), 16) };
}

/** Writes an id as eight bytes. */
export function writeId(bytes: Uint8Array, at: number, text: string): void {
  const { high, low } = idHalves('id', text);
  writeU32(bytes, at, high);
  writeU32(bytes, at + 4, low);
}
