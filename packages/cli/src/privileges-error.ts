// The error of giving up root: the system refuses it, or something of root is still there afterwards.

/**
 * Why root could not be given up:
 * - `no-permission`: only root can become another user, and this process is not root, or a root without that right.
 * - `root-kept`: the system refused in another way, or afterwards something of root was left.
 */
export type PrivilegesErrorCode = 'no-permission' | 'root-kept';

/** Thrown where a program cannot become the user that it should; the message says what to try. */
export class PrivilegesError extends Error {
  override readonly name = 'PrivilegesError';
  readonly code: PrivilegesErrorCode;

  /** `message` is one sentence for people. */
  constructor(code: PrivilegesErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
