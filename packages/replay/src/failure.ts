// From the errors of undici, net, dns and tls to a reason to count. Codes as they come, never message texts where a
// code tells enough.

import type { FailedReason } from './reasons.ts';

const BY_CODE: Readonly<Record<string, FailedReason>> = {
  ECONNREFUSED: 'connect-refused',
  UND_ERR_CONNECT_TIMEOUT: 'connect-timeout',
  ETIMEDOUT: 'connect-timeout',
  ENOTFOUND: 'unresolvable',
  EAI_AGAIN: 'unresolvable',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  EMFILE: 'no-local-resource',
  ENFILE: 'no-local-resource',
  ENOBUFS: 'no-local-resource',
  EADDRNOTAVAIL: 'no-local-resource',
  UND_ERR_HEADERS_OVERFLOW: 'bad-answer',
  EPROTO: 'tls',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls',
};

/** undici's word for an answer that was cut off, for lengths that contradict each other, and for answers that have none. */
const LENGTH_MISMATCH = 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH';

/** undici has one code for sockets that closed and for answers that make no sense. */
const SENSELESS_ANSWER = /^bad (response|upgrade)$/;
/** llhttp's words for the end of the connection within an answer. */
const ENDED_EARLY = /\bEOF\b/;
const TLS_CODE = /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA)/;

/** Why a request failed; `cannot-send` where undici refused it before a byte was written. */
function failureOf(error: unknown): FailedReason | 'cannot-send' {
  const code = codeOf(error);
  const known = BY_CODE[code];
  if (known !== undefined) return known;
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') return 'cannot-send';
  if (code === 'UND_ERR_SOCKET') {
    return error instanceof Error && SENSELESS_ANSWER.test(error.message) ? 'bad-answer' : 'closed-early';
  }
  // Its code is missing or not, depending on the version of undici.
  if (error instanceof Error && error.name === 'HTTPParserError') {
    return ENDED_EARLY.test(error.message) ? 'closed-early' : 'bad-answer';
  }
  return TLS_CODE.test(code) ? 'tls' : 'other';
}

/**
 * Why undici gave up on an answer with this status, 0 while its head was not there; `undefined`: it is an answer. That is
 * one to 204 and 304 with a Content-Length, which does not say how long their body is (RFC 9110 §8.6): they have none.
 */
export function answerFailureOf(error: unknown, status: number): FailedReason | 'cannot-send' | undefined {
  if (codeOf(error) !== LENGTH_MISMATCH) return failureOf(error);
  if (status === 204 || status === 304) return undefined;
  return status === 0 ? 'bad-answer' : 'closed-early';
}

/** Why a socket of ours failed; `isConnected`: it was open, so nothing about opening it is to blame. */
export function socketFailureOf(error: unknown, isConnected: boolean): FailedReason {
  // The system gave up sending again.
  if (isConnected && codeOf(error) === 'ETIMEDOUT') return 'timeout';
  const failure = failureOf(error);
  return failure === 'cannot-send' ? 'other' : failure;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
