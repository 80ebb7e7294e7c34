// The known answers of docs/wire-protocol.md: hexadecimal digits, blanks, and comments from `#` to the end of the line.
// What is sealed or derived was computed three times: by wire-oracle.ts, by Python's `cryptography` 48 (HKDF, AESGCM), and
// the derived keys by `openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt hexkey:… -kdfopt hexsalt:… -kdfopt info:… HKDF`.
import { readdirSync, readFileSync } from 'node:fs';

const FOLDER = new URL('../vectors/wire/', import.meta.url);

/** Their names, sorted. */
export const wireVectorNames: readonly string[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.hex'))
  .map((name) => name.slice(0, -'.hex'.length))
  .sort();

/** A vector as it is written. */
export function wireVectorText(name: string): string {
  return readFileSync(new URL(`${name}.hex`, FOLDER), 'latin1');
}

/** A vector's bytes. */
export function wireVector(name: string): Uint8Array {
  const digits = wireVectorText(name).replace(/#.*/g, '').replace(/\s/g, '');
  if (!/^([0-9a-f]{2})+$/.test(digits)) throw new Error(`${name}.hex is not hexadecimal`);
  return new Uint8Array(Buffer.from(digits, 'hex'));
}
