// The request parser's limits and their defaults, resolved once. All are finite unless the caller says Infinity.

/** The limits of one parser. */
export interface RequestLimits {
  /** Most bytes of a head, request line and empty line included; also of a trailer section. 1 or more; default 262,144 (256 KiB). */
  readonly maxHeadBytes?: number;
  /** Most bytes of a body without its transfer coding. 0 or more; default 8,388,608 (8 MiB). */
  readonly maxBodyBytes?: number;
  /** Most header lines, folded ones included; for trailers counted anew. 0 or more; default 1,000. */
  readonly maxHeaders?: number;
}

/** What is in force where nothing is given: heads of 256 KiB, bodies of 8 MiB, 1,000 fields. */
export const parserDefaults: Required<RequestLimits> = {
  maxHeadBytes: 256 * 1024,
  maxBodyBytes: 8 * 1024 * 1024,
  maxHeaders: 1000,
};

/** The limits with defaults for what is left out. Throws RangeError for a limit out of its range. */
export function resolveLimits(given: RequestLimits): Required<RequestLimits> {
  return {
    maxHeadBytes: checked('maxHeadBytes', given.maxHeadBytes ?? parserDefaults.maxHeadBytes, 1),
    maxBodyBytes: checked('maxBodyBytes', given.maxBodyBytes ?? parserDefaults.maxBodyBytes, 0),
    maxHeaders: checked('maxHeaders', given.maxHeaders ?? parserDefaults.maxHeaders, 0),
  };
}

/** The value, if it is a whole number of at least `least` or Infinity; else throws RangeError naming the option. */
export function checked(option: string, value: number, least: number): number {
  if ((Number.isInteger(value) && value >= least) || value === Infinity) return value;
  throw new RangeError(`${option} must be a whole number of at least ${least}, or Infinity, not ${String(value)}`);
}
