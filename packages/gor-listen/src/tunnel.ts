// Whether a server agrees to leave HTTP: read off the status line that its answer to CONNECT or Upgrade begins with.
// Source: RFC 9110 §9.3.6 (CONNECT), §7.8 (Upgrade), RFC 9112 §4 (status line).
import type { Successor } from '@gor/http';

const STATUS_LINE = [0x48, 0x54, 0x54, 0x50, 0x2f, 0x31, 0x2e] as const; // HTTP/1.
const STATUS_AT = 9;
const ZERO = 0x30;

/** Whether bytes of the server's stream begin with the answer that ends HTTP on the connection. */
export function isAgreement(asked: Successor, bytes: Uint8Array): boolean {
  if (bytes.length < STATUS_AT + 3 || STATUS_LINE.some((byte, at) => bytes[at] !== byte)) return false;
  const status =
    (bytes[STATUS_AT]! - ZERO) * 100 + (bytes[STATUS_AT + 1]! - ZERO) * 10 + (bytes[STATUS_AT + 2]! - ZERO);
  return asked === 'connect' ? status >= 200 && status < 300 : status === 101;
}
