// Requests as a sequence: out of a reader that tells what it likes, in the order in which they were complete.
import { expect, test } from 'vitest';
import { asLatin1, latin1 } from '../../../test/kit/every-split.ts';
import { type ConnectionsReader, capturedRequests } from '../src/index.ts';

type Streams = ReturnType<Parameters<ConnectionsReader>[0]>;

/** A reader of two connections: `1` and `2` in front of what each client sends; an empty text is a turn. */
function readerOf(...said: readonly string[]): { read: ConnectionsReader; turns: () => number } {
  let turns = 0;
  const read: ConnectionsReader = async function* (onConnection) {
    const connections = new Map<number, Streams>();
    for (const [at, text] of said.entries()) {
      const id = Number(text[0]);
      const streams = connections.get(id) ?? onConnection({ id });
      if (!connections.has(id)) streams.client.start('handshake', at);
      connections.set(id, streams);
      // Lent: written over as soon as it was told.
      const bytes = latin1(text.slice(1));
      streams.client.data(bytes, at);
      bytes.fill(0x21);
      turns++;
      yield;
    }
    for (const { client } of connections.values()) client.end('fin', said.length);
  };
  return { read, turns: () => turns };
}

test('each is whole, its own, and has what replaying takes', async () => {
  const { read, turns } = readerOf(
    '1POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n',
    '2GET /b HTTP/1.1\r\nHost: x\r\n\r\nGET /c HTTP/1.1\r\nHost: x\r\n\r\n',
    '12\r\nde\r\n0\r\n\r\n',
  );
  const seen: string[] = [];
  for await (const { connection, index, target, timestampUs, bytes, body, bodyStart } of capturedRequests(read)) {
    seen.push(
      [connection, index, target, timestampUs, asLatin1(body), asLatin1(bytes.subarray(0, 5)), turns()].join(' '),
    );
    expect(asLatin1(bytes.subarray(0, bodyStart)).endsWith('\r\n\r\n')).toBe(true);
  }
  // Nothing was read on while the two of a turn were not taken.
  expect(seen).toEqual(['2 0 /b 1  GET / 2', '2 1 /c 1  GET / 2', '1 0 /a 0 abcde POST  3']);
});

test('what is left out is told, with its connection', async () => {
  const { read } = readerOf('1GET /a HTTP/1.1\r\nContent-Length: x\r\n\r\n', '2GET /half HTTP/1.1\r\n');
  const rejects: string[] = [];
  const requests = capturedRequests(read, {
    onReject: ({ reason }, connection) => rejects.push(`${connection} ${reason}`),
  });
  for await (const { target } of requests) expect.unreachable(target);
  expect(rejects).toEqual(['1 content-length-invalid', expect.stringMatching(/^2 /)]);
});

test('a reader that fails fails behind the requests before', async () => {
  const { read } = readerOf('1GET /a HTTP/1.1\r\nHost: x\r\n\r\n');
  const failing: ConnectionsReader = async function* (onConnection) {
    for await (const _ of read(onConnection)) throw new Error('broken');
    yield;
  };
  const seen: string[] = [];
  const reading = (async () => {
    for await (const { target } of capturedRequests(failing)) seen.push(target);
  })();
  await expect(reading).rejects.toThrow('broken');
  expect(seen).toEqual(['/a']);
});

test('limits are those of requests, and misuse is told', async () => {
  const { read } = readerOf('1GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\nHost: x\r\n\r\n');
  const reasons: string[] = [];
  const options = { maxHeadBytes: 20, onReject: ({ reason }: { reason: string }) => reasons.push(reason) };
  for await (const { target } of capturedRequests(read, options)) expect.unreachable(target);
  expect(reasons).toEqual(['head-too-long']);
});
