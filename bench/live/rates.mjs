// The rates by their names on the command line: requests a second, `full` speed, or `posts`.

/** A POST is ten datagrams, of which the sender lets 16 a millisecond go. */
const POSTS_PER_SECOND = 1_000;

/**
 * GETs with a head of 500 bytes, or POSTs of 10 KB.
 * @typedef {{ kind: import('./requests.mjs').RequestKind, rate: number | 'full' }} LoadKind
 */

/**
 * Throws where the text is no rate.
 * @param {string} text
 * @returns {LoadKind}
 */
export function loadKindOf(text) {
  if (text === 'full') return { kind: 'get', rate: 'full' };
  if (text === 'posts') return { kind: 'post', rate: POSTS_PER_SECOND };
  const rate = Number(text);
  if (Number.isSafeInteger(rate) && rate >= 1 && rate <= 1_000_000) return { kind: 'get', rate };
  throw new Error(`--rates: "${text}" is neither requests a second nor full nor posts`);
}

/**
 * For people.
 * @param {string} text
 */
export function rateInWords(text) {
  const { kind, rate } = loadKindOf(text);
  const speed = rate === 'full' ? 'wrk at full speed' : `${rate.toLocaleString('en-US')}/s`;
  return kind === 'get' ? `GETs, ${speed}` : `POSTs of 10 KB, ${speed}`;
}
