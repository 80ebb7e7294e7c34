// The requests of a capture file, in the order in which they were complete, each whole and the caller's to keep.
import { FrameDecoder, readCapture, TcpAssembler } from '@gor/capture';
import { bodyOf, HttpConnection, MemoryBudget, roleOf } from '@gor/http';

/**
 * @param {string} path of a capture file
 * @param {number} port of the servers
 * @returns {AsyncGenerator<import('@gor/replay').ReplayRequest & { timestampUs: number }, void>}
 */
export async function* requestsOf(path, port) {
  /** @type {(import('@gor/replay').ReplayRequest & { timestampUs: number })[]} */
  let complete = [];
  const budgets = { budget: new MemoryBudget(), responseBudget: new MemoryBudget() };
  const assembler = new TcpAssembler({
    serverPorts: [port],
    roleOf,
    onConnection: ({ id }) =>
      new HttpConnection({
        ...budgets,
        onRequest: (request) => {
          const bytes = request.bytes.slice(); // a view of the capture until here
          const body = bodyOf({ ...request, bytes });
          complete.push({ ...request, bytes, body, connection: id, timestampUs: request.firstByteUs });
        },
        onReject: ({ reason }) => console.error(`a request of connection ${id} is left out: ${reason}`),
      }),
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
