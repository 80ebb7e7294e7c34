// The option `targets`: texts and specs become specs, each of another URL.

import { isLimitInRange, parseTargetSpec, type TargetSpec } from './target-spec.ts';

/** Throws TypeError or RangeError that names the target and what is wrong with it. */
export function resolveTargets(targets: readonly (string | TargetSpec)[]): TargetSpec[] {
  if (!Array.isArray(targets) || targets.length === 0) throw new TypeError('targets must name at least one target');
  const specs = targets.map(resolveTarget);
  const seen = new Set<string>();
  for (const { url } of specs) {
    if (seen.has(url)) throw new TypeError(`targets names ${url} twice; each target has one limit and one ledger`);
    seen.add(url);
  }
  return specs;
}

function resolveTarget(target: string | TargetSpec): TargetSpec {
  const spec = parseTargetSpec(typeof target === 'string' ? target : target.url);
  if ('problem' in spec) throw new TypeError(spec.message);
  if (typeof target === 'string' || target.limit === undefined) return spec;
  if (!isLimitInRange(target.limit))
    throw new RangeError(`the limit of ${spec.url} is out of range: ${JSON.stringify(target.limit)}`);
  return { url: spec.url, limit: target.limit };
}
