// The one error class of this package: a resource that cannot be had. Bad packets are never errors, they are counted.

/**
 * What could not be had:
 * - `unreadable`: the capture file cannot be opened or read (`cause` has the system's error).
 * - `broken-capture`: no capture file, or one that is cut off or damaged; the frames before that place were given.
 * - `unsupported-capture`: a capture file of a format that is recognised but not read.
 * - `no-engine`: the native library behind the engine is not installed or does not load.
 * - `no-permission`: the system does not let this user capture.
 * - `no-such-interface`: there is no such interface, or it cannot capture.
 * - `bad-filter`: the filter is no valid pcap-filter expression for that interface.
 * - `capture-failed`: the engine failed for another reason (`cause` has its error).
 */
export type CaptureErrorCode =
  | 'unreadable'
  | 'broken-capture'
  | 'unsupported-capture'
  | 'no-engine'
  | 'no-permission'
  | 'no-such-interface'
  | 'bad-filter'
  | 'capture-failed';

/** A resource that could not be had. The message says what, why, and what to try, in one or two lines. */
export class CaptureError extends Error {
  readonly code: CaptureErrorCode;

  constructor(code: CaptureErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CaptureError';
    this.code = code;
  }
}
