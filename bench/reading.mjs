// Reading a capture file: what each layer of ours costs, one on top of the other, and what other programs take for the
// same file. Each row of ours reads the whole file and says what it found, so that nothing wrong is measured.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FrameDecoder, readCapture, TcpAssembler } from '@gor/capture';
import { HttpConnection, MemoryBudget, RequestParser, roleOf } from '@gor/http';
import { fileBench } from './file-bench.mjs';
import { writeHttpCapture } from './http-capture.mjs';

const GOR_LISTEN = fileURLToPath(new URL('../packages/gor-listen/bin/gor-listen.js', import.meta.url));

/** The bench. */
export const reading = fileBench({
  name: 'reading',
  title: 'Reading a capture file',
  floor: 'tcpdump',
  prepare: ({ folder, packets }) => {
    const traffic = writeHttpCapture(join(folder, 'http.pcap'), packets);
    readFileSync(traffic.file); // into the page cache
    return traffic;
  },
  rows: [
    { name: 'frames', about: 'readCapture', run: readFrames },
    { name: 'segments', about: 'and FrameDecoder', run: readSegments },
    { name: 'streams', about: 'and TcpAssembler, both directions', run: readStreams },
    { name: 'requests', about: 'and RequestParser, the client’s direction', run: readRequests },
    { name: 'messages', about: 'and HttpConnection: requests and responses', run: readMessages },
    {
      name: 'gor-listen',
      about: 'gor-listen --pcap FILE -p any --json > /dev/null, with its start',
      command: ({ file }) => [process.execPath, GOR_LISTEN, '--pcap', file, '-p', 'any', '--json', '--quiet'],
    },
    {
      name: 'tcpdump',
      about: 'tcpdump -r FILE -w /dev/null: the floor',
      command: ({ file }) => ['tcpdump', '-n', '-r', file, '-w', '/dev/null'],
      package: 'tcpdump',
    },
    {
      name: 'tcpflow',
      about: 'tcpflow -r FILE: writes the streams, reads no HTTP',
      command: ({ file }, folder) => ['tcpflow', '-q', '-o', join(folder, 'tcpflow'), '-r', file],
      package: 'tcpflow',
    },
    {
      name: 'httpry',
      about: 'httpry -r FILE: reads heads packet by packet, reassembles nothing',
      command: ({ file }, folder) => ['httpry', '-q', '-o', join(folder, 'httpry'), '-r', file],
      package: 'httpry',
    },
    {
      name: 'tshark',
      about: 'tshark -r FILE -Y http.request, once, as it takes so long',
      command: ({ file }) => [
        'tshark',
        '-n',
        '-r',
        file,
        '-Y',
        'http.request',
        '-T',
        'fields',
        '-e',
        'http.request.uri',
      ],
      package: 'tshark',
      passes: 1,
    },
  ],
});

/** @typedef {import('./http-capture.mjs').Traffic} Traffic */

/** @param {Traffic} traffic */
async function readFrames({ file }) {
  let packets = 0;
  for await (const frames of readCapture(file)) for (const _ of frames) packets += 1;
  return { packets };
}

/** @param {Traffic} traffic */
async function readSegments({ file }) {
  let packets = 0;
  const decoder = new FrameDecoder({
    onSegment: () => {
      packets += 1;
    },
  });
  await decode(file, decoder);
  return { packets };
}

/** @param {Traffic} traffic */
async function readStreams({ file }) {
  let payloadBytes = 0;
  const handler = {
    /** @param {Uint8Array} bytes */
    data: (bytes) => {
      payloadBytes += bytes.length;
    },
    gap: () => {},
    end: () => {},
  };
  const assembler = new TcpAssembler({ roleOf, onConnection: () => ({ client: handler, server: handler }) });
  const decoder = new FrameDecoder({ onSegment: (segment) => assembler.push(segment) });
  await decode(file, decoder);
  assembler.close();
  return { packets: decoder.counters().segments, payloadBytes };
}

/** @param {Traffic} traffic */
async function readRequests({ file }) {
  let requests = 0;
  const budget = new MemoryBudget();
  const assembler = new TcpAssembler({
    roleOf,
    onConnection: () => {
      const parser = new RequestParser({
        budget,
        onRequest: () => {
          requests += 1;
        },
        onReject: () => {},
      });
      return {
        client: {
          data: (bytes, timestampUs) => parser.push(bytes, timestampUs),
          gap: (length, timestampUs) => parser.gap(length, timestampUs),
          end: (_, timestampUs) => parser.end(timestampUs),
        },
      };
    },
  });
  const decoder = new FrameDecoder({ onSegment: (segment) => assembler.push(segment) });
  await decode(file, decoder);
  assembler.close();
  return { packets: decoder.counters().segments, requests };
}

/** @param {Traffic} traffic */
async function readMessages({ file }) {
  let requests = 0;
  let responses = 0;
  const [budget, responseBudget] = [new MemoryBudget(), new MemoryBudget()];
  const assembler = new TcpAssembler({
    roleOf,
    onConnection: () =>
      new HttpConnection({
        ...{ budget, responseBudget },
        onRequest: () => {
          requests += 1;
        },
        onResponse: () => {
          responses += 1;
        },
        onReject: () => {},
      }),
  });
  const decoder = new FrameDecoder({ onSegment: (segment) => assembler.push(segment) });
  await decode(file, decoder);
  assembler.close();
  return { packets: decoder.counters().segments, requests, responses };
}

/**
 * @param {string} file
 * @param {FrameDecoder} decoder
 */
async function decode(file, decoder) {
  for await (const frames of readCapture(file)) for (const frame of frames) decoder.push(frame);
}
