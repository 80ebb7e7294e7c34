import { createCipheriv, hkdfSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { createRandom, seedOfThisRun } from '../../../test/kit/random.ts';
import { recordSealing, reportSealing, type Sealing, wireKey } from '../src/sealing.ts';

const SESSION = '00112233445566ff';
const RECEIVER = 'ffeeddccbbaa9988';
const HEADER_BYTES = 32;
const TAG_BYTES = 16;
const key = wireKey(Uint8Array.from({ length: 32 }, (_, at) => at));
const other = wireKey(Uint8Array.from({ length: 32 }, (_, at) => at + 1));
const random = createRandom(seedOfThisRun());
console.log(`seed ${random.seed}`);

/** A datagram with that much body, in the middle of a larger buffer, with room for the tag. */
function datagramOf(bodyBytes: number): Uint8Array {
  const bytes = random.bytes(HEADER_BYTES + bodyBytes + TAG_BYTES + 20);
  return bytes.subarray(7, bytes.length - 13);
}

/** What the page says, written once more. */
function sealedAsThePageSays(datagram: Uint8Array, salt: string, info: string): Uint8Array {
  const derived = new Uint8Array(hkdfSync('sha256', key.bytes, Buffer.from(salt, 'hex'), info, 32));
  const nonce = Buffer.concat([Buffer.alloc(4), datagram.subarray(16, 24)]);
  const cipher = createCipheriv('aes-256-gcm', derived, nonce).setAAD(datagram.subarray(0, HEADER_BYTES));
  const body = cipher.update(datagram.subarray(HEADER_BYTES, -TAG_BYTES));
  cipher.final();
  return Uint8Array.from(Buffer.concat([datagram.subarray(0, HEADER_BYTES), body, cipher.getAuthTag()]));
}

test.for<[sentence: string, sealing: Sealing, salt: string, info: string]>([
  ['records', recordSealing(key, SESSION), SESSION, 'gor wire 1 records'],
  ['reports', reportSealing(key, SESSION, RECEIVER), SESSION + RECEIVER, 'gor wire 1 reports'],
])('%s are sealed as the page says, one after the other, and opened to what they were', ([, sealing, salt, info]) => {
  for (const bodyBytes of [1, 36, 1152, 300, 0, 65_459, 16]) {
    const datagram = datagramOf(bodyBytes);
    const expected = sealedAsThePageSays(datagram, salt, info);
    const plain = datagram.slice(0, -TAG_BYTES);
    sealing.seal(datagram);
    expect(Buffer.compare(datagram, expected)).toBe(0);
    expect(Buffer.compare(sealing.open(datagram) ?? new Uint8Array(0), plain)).toBe(0);
  }
});

test('whatever is changed, cut off or added, it does not open, and the bytes stay as they came', () => {
  const sealing = recordSealing(key, SESSION);
  const sealed = datagramOf(60);
  sealing.seal(sealed);
  const changed = Array.from({ length: sealed.length * 8 }, (_, bit) => {
    const copy = sealed.slice();
    copy[bit >> 3]! ^= 1 << (bit & 7);
    return copy;
  });
  const cut = Array.from({ length: sealed.length }, (_, length) => sealed.slice(0, length));
  for (const each of [...changed, ...cut, Uint8Array.from([...sealed, 0])]) {
    const before = each.slice();
    expect(sealing.open(each)).toBeUndefined();
    expect(Buffer.compare(each, before)).toBe(0);
  }
  expect(sealing.open(sealed)).toBeDefined();
});

test.for<[sentence: string, sealing: Sealing]>([
  ['another key', recordSealing(other, SESSION)],
  ['another session', recordSealing(key, RECEIVER)],
  ['the other direction', reportSealing(key, SESSION, RECEIVER)],
])('what is sealed does not open with %s', ([, sealing]) => {
  const datagram = datagramOf(100);
  recordSealing(key, SESSION).seal(datagram);
  expect(sealing.open(datagram)).toBeUndefined();
});

test('a key has 32 bytes', () => {
  for (const length of [0, 31, 33, 64]) {
    expect(() => wireKey(new Uint8Array(length))).toThrow(new RangeError(`a key has 32 bytes, not ${length}`));
  }
});
