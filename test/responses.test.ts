// From a capture file to requests with their responses in ten lines, as the README of @gor/http shows it: HttpConnection is
// what the assembler asks for.
import { join } from 'node:path';
import { FrameDecoder, readCapture, TcpAssembler } from '@gor/capture';
import { HttpConnection, type HttpResponse, MemoryBudget, roleOf } from '@gor/http';
import { expect, test } from 'vitest';

test('each response of a capture has its request', async () => {
  const lines: string[] = [];
  const [budget, responseBudget] = [new MemoryBudget(), new MemoryBudget()];
  const onResponse = ({ status, request, isInterim }: HttpResponse): void => {
    lines.push(`${request?.method} ${request?.target} ${status}${isInterim ? ' interim' : ''}`);
  };
  const rejects: string[] = [];
  const options = {
    ...{ budget, responseBudget, onResponse, onRequest: () => {} },
    onReject: ({ reason }: { reason: string }) => rejects.push(reason),
    onResponseReject: ({ reason }: { reason: string }) => rejects.push(reason),
  };
  const assembler = new TcpAssembler({ roleOf, onConnection: () => new HttpConnection(options) });
  const decoder = new FrameDecoder({ onSegment: (segment) => assembler.push(segment) });
  const path = join(import.meta.dirname, 'captures/curl-get-post.pcap');
  for await (const frames of readCapture(path)) for (const frame of frames) decoder.push(frame);
  assembler.close();
  expect(lines).toMatchInlineSnapshot(`
    [
      "GET /first?a=1 200",
      "POST /login 200",
      "PUT /put 200",
    ]
  `);
  expect(rejects).toEqual([]);
  expect([budget.heldBytes, responseBudget.heldBytes]).toEqual([0, 0]);
});
