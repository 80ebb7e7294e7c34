// Which captured connections belong to a share of n percent: whole connections, the same ones in every run.
// FNV-1a with MurmurHash3's finalizer; salted, so that it does not follow how listeners spread or shed connections.

const SALT = 'gor-share:';
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * Whether a connection is among `percent` (0 to 100) of all. Every target with the same percentage keeps the same
 * connections, and a smaller share is a part of a larger one, so targets can be compared.
 */
export function isInShare(connection: string | number, percent: number): boolean {
  const hash = mix(feed(SALTED, String(connection)));
  return hash < (percent / 100) * 0x1_0000_0000;
}

const SALTED = feed(FNV_OFFSET, SALT);

function feed(start: number, text: string): number {
  let hash = start;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), FNV_PRIME);
  return hash;
}

/** FNV leaves its high bits nearly alone where only the last characters differ; this spreads them. */
function mix(hash: number): number {
  let mixed = hash;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
