// What somebody typed cannot be used. Its message is one line, made to be shown.

/** Thrown for a flag, value or environment variable that cannot be used; the message says which and what would be right. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
