// Captured requests and responses for the tests of this folder: out of text, on a connection between documentation addresses.
import type { Connection } from '@gor/capture';
import { HttpConnection, type HttpResponse, parseRequest } from '@gor/http';
import { latin1 } from '../../../test/kit/every-split.ts';
import type { CapturedRequest, CapturedResponse } from '../src/index.ts';

export const connection: Connection = {
  id: 7,
  client: { address: '192.0.2.1', port: 5000 },
  server: { address: '192.0.2.2', port: 80 },
  rolesFrom: 'syn',
  direction: 'in',
  startedUs: 1_700_000_000_000_000,
};

/** The request that the text is, captured at 2023-11-14T22:13:20.000042Z. */
export function captured(text: string, over: Partial<Connection> = {}): CapturedRequest {
  const request = parseRequest(latin1(text), 1_700_000_000_000_042);
  if (typeof request === 'string') throw new Error(`the test's own request is rejected: ${request}`);
  return { request, connection: { ...connection, ...over } };
}

/** The response that the text is, to the request, at the same time; `''`: to a request that was not captured. */
export function capturedResponse(text: string, request: string): CapturedResponse {
  const responses: HttpResponse[] = [];
  const onResponse = (response: HttpResponse) => responses.push({ ...response, bytes: response.bytes.slice() });
  const http = new HttpConnection({ onRequest: () => {}, onReject: () => {}, onResponse });
  if (request !== '') http.client.data(latin1(request), 1_700_000_000_000_000);
  http.server.data(latin1(text), 1_700_000_000_000_042);
  const [response] = responses;
  if (response === undefined) throw new Error("the test's own response is not whole");
  return { response, connection };
}
