// Bytes as text, one character a byte (ISO-8859-1, so that nothing is lost and lengths agree). TextDecoder's 'latin1' is
// windows-1252 by the Encoding Standard and changes 0x80 to 0x9f.

const latin1Slice = Buffer.prototype.latin1Slice;

/** The bytes from `start` up to, not including, `end` as a string of as many characters. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  return latin1Slice.call(bytes, start, end);
}
