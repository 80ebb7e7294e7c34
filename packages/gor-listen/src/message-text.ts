// A request or a response as a line for people, and as a line of JSON.
import { createHash } from 'node:crypto';
import type { Connection } from '@gor/capture';
import { formatHostPort, terminalText } from '@gor/cli';
import { bodyParts, type HttpRequest, type HttpResponse } from '@gor/http';
import type { CapturedRequest, CapturedResponse } from './stages.ts';

/** `12:34:56.789012 10.0.0.1:5000 > 10.0.0.2:80 GET /path HTTP/1.1 (17 body bytes)`, in UTC, safe for a terminal. */
export function requestLine({ request, connection }: CapturedRequest): string {
  const { client, server } = endsOf(connection);
  const head = `${request.method} ${request.target} HTTP/${request.version}`;
  return `${timeText(request.firstByteUs)} ${client} > ${server} ${terminalText(head)}${bodyText(request)}`;
}

/** `12:34:56.790120 10.0.0.1:5000 < 10.0.0.2:80 HTTP/1.1 200 OK (5 body bytes) to GET /path`. */
export function responseLine({ response, connection }: CapturedResponse): string {
  const { client, server } = endsOf(connection);
  const head = `HTTP/${response.version} ${response.status}${response.reason === '' ? '' : ` ${response.reason}`}`;
  const { request } = response;
  const answers = request === undefined ? '' : ` to ${terminalText(`${request.method} ${request.target}`)}`;
  return `${timeText(response.firstByteUs)} ${client} < ${server} ${terminalText(head)}${bodyText(response)}${answers}`;
}

/** One line of JSON in ASCII; header bytes are Latin-1, `bodySha256` is of the body without its transfer coding. */
export function requestJson({ request, connection }: CapturedRequest): string {
  return asciiJson({
    type: 'request',
    timestampUs: request.firstByteUs,
    ...endsOf(connection),
    connection: connection.id,
    index: request.index,
    method: request.method,
    target: request.target,
    version: request.version,
    ...contentOf(request),
  });
}

/** The same for a response; `request` is the `index` of the request that it answers, null where that is not known. */
export function responseJson({ response, connection }: CapturedResponse): string {
  return asciiJson({
    type: 'response',
    timestampUs: response.firstByteUs,
    ...endsOf(connection),
    connection: connection.id,
    request: response.request?.index ?? null,
    status: response.status,
    reason: response.reason,
    version: response.version,
    isInterim: response.isInterim,
    ...contentOf(response),
  });
}

function endsOf({ client, server }: Connection): { client: string; server: string } {
  return { client: formatHostPort(client.address, client.port), server: formatHostPort(server.address, server.port) };
}

function contentOf(message: HttpRequest | HttpResponse) {
  const trailers = message.trailers.length === 0 ? {} : { trailers: pairsOf(message.trailers) };
  const bodySha256 = bodyDigest(message);
  return { headers: pairsOf(message.headers), bodyBytes: message.bodyLength, bodySha256, ...trailers };
}

function timeText(timestampUs: number): string {
  const milliseconds = new Date(timestampUs / 1000).toISOString().slice(11, 23);
  return `${milliseconds}${String(timestampUs % 1000).padStart(3, '0')}`;
}

function bodyText({ bodyLength }: { readonly bodyLength: number }): string {
  return bodyLength === 0 ? '' : ` (${bodyLength} body bytes)`;
}

/** JSON escapes the control characters below the blank only; those above move cursors just as well. */
function asciiJson(message: object): string {
  const json = JSON.stringify(message);
  return /[^ -~]/.test(json) ? json.replaceAll(/[^ -~]/g, escaped) : json;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function pairsOf(headers: readonly string[]): [string, string][] {
  return Array.from({ length: headers.length / 2 }, (_, at) => [headers[2 * at]!, headers[2 * at + 1]!]);
}

const digestOfNothing = createHash('sha256').digest('hex');

function bodyDigest(message: HttpRequest | HttpResponse): string {
  if (message.bodyLength === 0) return digestOfNothing;
  const digest = createHash('sha256');
  for (const part of bodyParts(message)) digest.update(part);
  return digest.digest('hex');
}
