// The one error that this package raises for a resource that cannot be had. Bad input never raises: it is counted.

/**
 * Why a socket could not be had: `unresolvable` (the name has no address), `no-route` (no way to that address),
 * `port-in-use`, `no-permission` (a port below 1024, or a policy), `no-such-address` (no interface has the address to
 * listen on), `socket` (anything else; see `cause`).
 */
export type WireErrorCode =
  | 'unresolvable'
  | 'no-route'
  | 'port-in-use'
  | 'no-permission'
  | 'no-such-address'
  | 'socket';

/** Raised by openUdpSender and openUdpReceiver; the message says what to try, `cause` is the system's error. */
export class WireError extends Error {
  readonly code: WireErrorCode;

  constructor(code: WireErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'WireError';
    this.code = code;
  }
}

const CODE_OF_SYSTEM_ERROR: Readonly<Record<string, WireErrorCode>> = {
  ENOTFOUND: 'unresolvable',
  EAI_AGAIN: 'unresolvable',
  EADDRINUSE: 'port-in-use',
  EACCES: 'no-permission',
  EPERM: 'no-permission',
  EADDRNOTAVAIL: 'no-such-address',
  ENETUNREACH: 'no-route',
  EHOSTUNREACH: 'no-route',
};

const ADVICE: Readonly<Record<WireErrorCode, string>> = {
  unresolvable: 'check the name, or give an address',
  'no-route': 'check the address and the routes of this machine',
  'port-in-use': 'choose another port, or stop the program that has it',
  'no-permission': 'choose a port of 1024 or above, or run with more rights',
  'no-such-address': 'listen on an address of this machine, or on 0.0.0.0 or ::',
  socket: 'see the cause',
};

/** The system's code of an error (`ECONNREFUSED`…), or `unknown`. */
export function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}

/** Turns a system's error into a WireError; `what` says what was tried, such as `listen on 0.0.0.0:28020`. */
export function wireError(what: string, error: unknown): WireError {
  const code = CODE_OF_SYSTEM_ERROR[systemCode(error)] ?? 'socket';
  return new WireError(code, `cannot ${what} (${systemCode(error)}): ${ADVICE[code]}`, error);
}
