// The one error that this package raises for a resource that cannot be had. Bad input never raises: it is counted.

/**
 * Why a limit cannot be shared: `unreachable` (no connection to the address), `no-answer` (a connection, and silence),
 * `denied` (password, user, or a right of that user), `not-redis` (something else answers), `cannot-share` (Redis
 * answers, and refuses what is needed).
 */
export type ReplayErrorCode = 'unreachable' | 'no-answer' | 'denied' | 'not-redis' | 'cannot-share';

/** Raised by `openSharedLimit` and `joined`; the message says what to try, and never a password. `cause`: the error met. */
export class ReplayError extends Error {
  readonly code: ReplayErrorCode;

  constructor(code: ReplayErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ReplayError';
    this.code = code;
  }
}
