import { describe, expect, test } from 'vitest';
import { formatLimit, parseTargetSpec, parseTargets } from '../src/index.ts';

describe('what is a target', () => {
  test.each([
    ['http is added', 'staging:8080', 'http://staging:8080', ''],
    ['a rate', 'http://staging.server|10', 'http://staging.server', '10'],
    ['a fraction', 'http://a|0.5', 'http://a', '0.5'],
    ['a share', 'https://a:8443|10%', 'https://a:8443', '10%'],
    ['a fraction of a percent', 'http://a|0.1%', 'http://a', '0.1%'],
    ['all of them', 'http://a|100%', 'http://a', '100%'],
    ['a base path, its last slash does not count', 'http://a/base/path/|5', 'http://a/base/path', '5'],
    ['IPv6', '[::1]:3000', 'http://[::1]:3000', ''],
    ['blanks around', ' http://a | 10 ', 'http://a', '10'],
    ['the port of the scheme goes without saying', 'http://a:80/', 'http://a', ''],
  ])('%s: %s', (_sentence, text, url, limit) => {
    const spec = parseTargetSpec(text);
    if ('problem' in spec) throw new Error(spec.message);
    expect([spec.url, spec.limit === undefined ? '' : formatLimit(spec.limit)]).toEqual([url, limit]);
  });
});

describe('what is none', () => {
  test.each([
    ['', 'empty'],
    ['|10', 'empty'],
    ['http://', 'url'],
    ['http://a:99999', 'url'],
    ['ftp://a', 'scheme'],
    ['http://user:secret@a', 'credentials'],
    ['http://a/?q', 'query'],
    ['http://a/#f', 'query'],
    ['http://a|ten', 'limit'],
    ['http://a|-1', 'limit'],
    ['http://a|0', 'limit'],
    ['http://a|0%', 'limit'],
    ['http://a|101%', 'limit'],
    ['http://a|', 'limit'],
    ['http://a|1e3', 'limit'],
    ['http://a|10|5', 'limit'],
    ['http://a|10 %x', 'limit'],
    ['http://a|1000001', 'limit'],
  ])('%s: %s', (text, reason) => {
    expect(parseTargetSpec(text)).toMatchObject({
      problem: reason,
      text,
      message: expect.stringContaining(`"${text}"`),
    });
  });
});

test('several by comma, and the first problem where there is one', () => {
  expect(parseTargets('http://a|10,http://b|5')).toMatchObject([{ url: 'http://a' }, { url: 'http://b' }]);
  expect(parseTargets('http://a|10,http://b|x,')).toMatchObject({ problem: 'limit', text: 'http://b|x' });
});
