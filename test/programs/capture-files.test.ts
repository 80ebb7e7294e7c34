// gor-listen over a capture file of every format, by its path and from stdin: the same requests. Cut off: those before, then
// one line that says where, and exit code 1.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { captureBlocks, concatenated } from '../kit/captures.ts';
import { runToEnd } from '../kit/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'gor-capture-files-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const pcap = readFileSync(join(import.meta.dirname, '../captures/curl-get-post.pcap'));
const pcapng = asPcapng(pcap);
const targets = ['/first?a=1', '/login', '/put'];

/** The same frames; tcpdump wrote them little-endian, in microseconds. */
function asPcapng(file: Buffer): Uint8Array {
  const { section, interface: description, enhanced } = captureBlocks(true);
  const blocks = [section(), description({ linkType: file.readUInt32LE(20) })];
  for (let at = 24; at < file.length; ) {
    const dataAt = at + 16;
    const end = dataAt + file.readUInt32LE(at + 8);
    const ticks = BigInt(file.readUInt32LE(at)) * 1_000_000n + BigInt(file.readUInt32LE(at + 4));
    blocks.push(enhanced({ data: file.subarray(dataAt, end), ticks, originalLength: file.readUInt32LE(at + 12) }));
    at = end;
  }
  return concatenated(...blocks);
}

async function listenTo(name: string, bytes: Uint8Array, way: 'path' | 'stdin') {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  const args = ['--pcap', way === 'path' ? path : '-', '-p', '8973', '--json', '--quiet'];
  const { code, stdout, stderr } = await runToEnd('gor-listen', args, {}, way === 'path' ? undefined : bytes);
  const requests = stdout
    .split('\n')
    .flatMap((line): { target: string; timestampUs: number }[] => (line === '' ? [] : [JSON.parse(line)]));
  return { code, stderr, requests };
}

const formats: [name: string, bytes: Uint8Array, piece: string][] = [
  ['day.pcap', pcap, 'ends within a frame'],
  ['day.pcapng', pcapng, 'ends within a block'],
  ['day.pcap.gz', gzipSync(pcap), 'compressed data ends early'],
  ['day.pcapng.gz', gzipSync(pcapng), 'compressed data ends early'],
];

const ofThePcap = listenTo('first.pcap', pcap, 'path');

describe.each(['path', 'stdin'] as const)('by %s', (way) => {
  test.each(formats)('%s gives its requests', async (name, bytes) => {
    const { code, stderr, requests } = await listenTo(name, bytes, way);
    expect(requests.map(({ target }) => target)).toEqual(targets);
    expect(requests).toEqual((await ofThePcap).requests);
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  test.each(formats)(
    '%s, cut off, gives what came before, then one line, and exit code 1',
    async (name, bytes, words) => {
      const { code, stderr, requests } = await listenTo(`cut-${name}`, bytes.subarray(0, -50), way);
      expect(requests.map(({ target }) => target).slice(0, 2)).toEqual(targets.slice(0, 2));
      expect(stderr).toMatch(/^gor-listen: The capture.* cannot be read: .* after \d+ whole frames\.\n$/);
      expect(stderr).toContain(words);
      expect(code).toBe(1);
    },
  );
});
