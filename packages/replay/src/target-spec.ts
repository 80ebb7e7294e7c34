// Reads `http://staging:8080/base|10` and `…|10%`: where requests go, and how many of them.

/** At most so many requests in any one second; fractions are allowed, 0.5 is one in two seconds. */
export interface RateLimit {
  readonly kind: 'per-second';
  /** Above 0, up to 1,000,000. */
  readonly ratePerSecond: number;
}

/** So many percent of the captured connections, each whole or not at all. */
export interface ShareLimit {
  readonly kind: 'share';
  /** Above 0, up to 100. */
  readonly percent: number;
}

/** One target, as parsed or as written by hand. */
export interface TargetSpec {
  /** `http:` or `https:`, with an optional base path; no credentials, query or fragment. */
  readonly url: string;
  /** Without it, nothing is limited but what is in flight. */
  readonly limit?: RateLimit | ShareLimit;
}

/**
 * Why a text is no target: `empty`; `url` cannot be read as one; `scheme` is neither http nor https; `credentials`
 * (they would change Authorization without being asked to); `query` or fragment; `limit` is no number in its range.
 */
export type TargetSpecReason = 'empty' | 'url' | 'scheme' | 'credentials' | 'query' | 'limit';

/** What is wrong with a target, for a person to read. */
export interface TargetSpecProblem {
  readonly problem: TargetSpecReason;
  /** The text as given. */
  readonly text: string;
  /** One sentence with the text and what is expected. */
  readonly message: string;
}

const MAX_RATE_PER_SECOND = 1_000_000;
const DECIMAL = /^\d+(\.\d+)?$/;
const HAS_SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;

/** Reads `url[|limit]`; `http://` is added where no scheme is given. Never throws. */
export function parseTargetSpec(text: string): TargetSpec | TargetSpecProblem {
  const bar = text.indexOf('|');
  const urlText = (bar < 0 ? text : text.slice(0, bar)).trim();
  if (urlText === '') return problem('empty', text, 'names no URL; expected one like http://host:port|10');
  const url = parseUrl(urlText, text);
  if (typeof url !== 'string') return url;
  if (bar < 0) return { url };
  const limit = parseLimit(text.slice(bar + 1).trim());
  if (limit === undefined) {
    return problem(
      'limit',
      text,
      'has no valid limit after "|"; expected requests a second like 10, or a share like 10%',
    );
  }
  return { url, limit };
}

/** Reads several targets, separated by commas. The first problem is the answer where there is one. Never throws. */
export function parseTargets(text: string): readonly TargetSpec[] | TargetSpecProblem {
  const specs: TargetSpec[] = [];
  for (const part of text.split(',')) {
    const spec = parseTargetSpec(part);
    if ('problem' in spec) return spec;
    specs.push(spec);
  }
  return specs;
}

/** The limit as it is written after the bar: `10`, `0.5`, `10%`. */
export function formatLimit(limit: RateLimit | ShareLimit): string {
  return limit.kind === 'share' ? `${limit.percent}%` : String(limit.ratePerSecond);
}

/** Whether a limit written by hand is in its range. */
export function isLimitInRange(limit: RateLimit | ShareLimit): boolean {
  return limit.kind === 'share'
    ? limit.percent > 0 && limit.percent <= 100
    : limit.ratePerSecond > 0 && limit.ratePerSecond <= MAX_RATE_PER_SECOND;
}

function parseUrl(urlText: string, text: string): string | TargetSpecProblem {
  const withScheme = HAS_SCHEME.test(urlText) ? urlText : `http://${urlText}`;
  if (!URL.canParse(withScheme)) return problem('url', text, 'is not a URL; expected one like http://host:port|10');
  const url = new URL(withScheme);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return problem('scheme', text, `has the scheme ${url.protocol}; expected http: or https:`);
  }
  if (url.username !== '' || url.password !== '') {
    return problem('credentials', text, 'has credentials, which would change the requests; leave them out');
  }
  if (url.search !== '' || url.hash !== '') {
    return problem('query', text, 'has a query or a fragment; only a base path can be joined in front of requests');
  }
  return url.href.endsWith('/') ? url.href.slice(0, -1) : url.href;
}

function parseLimit(text: string): RateLimit | ShareLimit | undefined {
  const isShare = text.endsWith('%');
  const digits = isShare ? text.slice(0, -1).trimEnd() : text;
  if (!DECIMAL.test(digits)) return undefined;
  const limit: RateLimit | ShareLimit = isShare
    ? { kind: 'share', percent: Number(digits) }
    : { kind: 'per-second', ratePerSecond: Number(digits) };
  return isLimitInRange(limit) ? limit : undefined;
}

function problem(reason: TargetSpecReason, text: string, rest: string): TargetSpecProblem {
  return { problem: reason, text, message: `target "${text}" ${rest}` };
}
