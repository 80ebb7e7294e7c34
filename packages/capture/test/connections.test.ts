// A capture file through to its connections: their bytes in order, each stream ended, whatever the file is like.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { asLatin1 } from '../../../test/kit/every-split.ts';
import { type ReadConnectionsOptions, readConnections } from '../src/index.ts';

const CAPTURE = new URL('../../../test/captures/curl-get-post.pcap', import.meta.url).pathname;

async function read(source: string | AsyncIterable<Uint8Array>, options: Partial<ReadConnectionsOptions> = {}) {
  const streams: string[] = [];
  let turns = 0;
  const onConnection: ReadConnectionsOptions['onConnection'] = ({ id, server }) => {
    let text = '';
    const data = (bytes: Uint8Array): void => {
      text += asLatin1(bytes);
    };
    const end = (reason: string): void => {
      const lines = text.match(/^[A-Z]+ \S+ HTTP.*$/gm) ?? [];
      streams.push(`${id} ${server.port} ${reason} ${lines.join(', ')}`);
    };
    return { client: { data, gap: (length) => expect.unreachable(`a gap of ${length}`), end } };
  };
  for await (const _ of readConnections(source, { onConnection, ...options })) turns++;
  return { streams, turns };
}

async function* inPieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

const whole = ['1 8973 fin GET /first?a=1 HTTP/1.1, POST /login HTTP/1.1', '2 8973 fin PUT /put HTTP/1.1'];

test('of a path, and of any stream of its bytes, with a turn after each piece', async () => {
  const { streams } = await read(CAPTURE);
  expect(streams).toEqual(whole);
  const bytes = new Uint8Array(readFileSync(CAPTURE));
  const pieces = await read(inPieces(bytes, 100));
  expect(pieces.streams).toEqual(streams);
  expect(pieces.turns).toBeGreaterThan(10);
});

test('packets of other ports are left out', async () => {
  expect(await read(CAPTURE, { serverPorts: [80] })).toMatchObject({ streams: [] });
  expect((await read(CAPTURE, { serverPorts: [8973] })).streams).toEqual(whole);
});

test('streams are ended also where the file is cut, or the reader leaves', async () => {
  const bytes = new Uint8Array(readFileSync(CAPTURE));
  const streams: string[] = [];
  const end = (reason: string): void => void streams.push(reason);
  const onConnection = () => ({ client: { data: () => {}, gap: () => {}, end } });
  const cut = readConnections(inPieces(bytes.subarray(0, 700), 350), { onConnection });
  const reading = (async () => {
    for await (const _ of cut);
  })();
  await expect(reading).rejects.toMatchObject({ code: 'broken-capture' });
  expect(streams).toEqual(['closed']);
  for await (const _ of readConnections(inPieces(bytes, 700), { onConnection })) break;
  expect(streams).toEqual(['closed', 'closed']);
});

test('an abort ends it with the signal\u2019s reason', async () => {
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(read(CAPTURE, { signal })).rejects.toThrow('enough');
});
