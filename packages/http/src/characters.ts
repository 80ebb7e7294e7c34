// The bytes that HTTP/1.x gives a meaning to, and which of them may stand in a token.
// Source: RFC 9110 §5.6.2 (token), RFC 9112 §2.2 (line ends).

/** A blank like any other. */
export const TAB = 0x09;
/** Ends a line. */
export const LF = 0x0a;
/** Stands before LF at the end of a line. */
export const CR = 0x0d;
/** Separates the parts of a request line. */
export const BLANK = 0x20;
/** Ends a field's name. */
export const COLON = 0x3a;
/** Begins a chunk extension. */
export const SEMICOLON = 0x3b;

const TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** 1 at each byte value that may stand in a token (methods, field names), else 0. */
export const IS_TOKEN = new Uint8Array(256);
for (let at = 0; at < TOKEN_CHARACTERS.length; at++) IS_TOKEN[TOKEN_CHARACTERS.charCodeAt(at)] = 1;

/** The value of each byte that is a hexadecimal digit, 16 for every other byte. */
export const HEX_VALUE = new Uint8Array(256).fill(16);
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16);
  HEX_VALUE[digit.charCodeAt(0)] = value;
  HEX_VALUE[digit.toUpperCase().charCodeAt(0)] = value;
}

/** Whether the character code is a blank or a tab, which surround field values and fold lines. */
export function isBlank(code: number): boolean {
  return code === BLANK || code === TAB;
}
