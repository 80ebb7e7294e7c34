// The requests of a capture file, in the order in which they were complete, each whole and the caller's to keep.
import { FrameDecoder, readCapture, TcpAssembler } from '@gor/capture';
import { bodyOf, RequestParser, roleOf } from '@gor/http';

/**
 * @param {string} path of a pcap file
 * @param {number} port of the servers
 * @returns {AsyncGenerator<import('@gor/replay').ReplayRequest & { timestampUs: number }, void>}
 */
export async function* requestsOf(path, port) {
  /** @type {(import('@gor/replay').ReplayRequest & { timestampUs: number })[]} */
  let complete = [];
  const assembler = new TcpAssembler({
    serverPorts: [port],
    roleOf,
    onConnection: ({ id }) => {
      const parser = new RequestParser({
        onRequest: (request) => {
          const bytes = request.bytes.slice(); // a view of the capture until here
          const body = bodyOf({ ...request, bytes });
          complete.push({ ...request, bytes, body, connection: id, timestampUs: request.firstByteUs });
        },
        onReject: ({ reason }) => console.error(`a request of connection ${id} is left out: ${reason}`),
      });
      return {
        client: {
          start: (at) => (at === 'midstream' ? parser.startMidstream() : undefined),
          data: (chunk, timestampUs) => parser.push(chunk, timestampUs),
          gap: (length, timestampUs) => parser.gap(length, timestampUs),
          end: (_, timestampUs) => parser.end(timestampUs),
        },
      };
    },
  });
  const decoder = new FrameDecoder({ ports: [port], onSegment: (segment) => assembler.push(segment) });
  for await (const frames of readCapture(path)) {
    for (const frame of frames) decoder.push(frame);
    yield* complete;
    complete = [];
  }
  assembler.close();
  yield* complete;
}
