// A request as a line for people, and as a line of JSON.
import { createHash } from 'node:crypto';
import { formatHostPort, terminalText } from '@gor/cli';
import { bodyParts } from '@gor/http';
import type { CapturedRequest } from './stages.ts';

/** `12:34:56.789012 10.0.0.1:5000 > 10.0.0.2:80 GET /path HTTP/1.1 (17 body bytes)`, in UTC, safe for a terminal. */
export function requestLine({ request, connection }: CapturedRequest): string {
  const time = `${new Date(request.firstByteUs / 1000).toISOString().slice(11, 23)}${String(request.firstByteUs % 1000).padStart(3, '0')}`;
  const client = formatHostPort(connection.client.address, connection.client.port);
  const server = formatHostPort(connection.server.address, connection.server.port);
  const head = `${request.method} ${request.target} HTTP/${request.version}`;
  const body = request.bodyLength === 0 ? '' : ` (${request.bodyLength} body bytes)`;
  return `${time} ${client} > ${server} ${terminalText(head)}${body}`;
}

/** One line of JSON in ASCII; header bytes are Latin-1, `bodySha256` is of the body without its transfer coding. */
export function requestJson({ request, connection }: CapturedRequest): string {
  const json = JSON.stringify({
    timestampUs: request.firstByteUs,
    client: formatHostPort(connection.client.address, connection.client.port),
    server: formatHostPort(connection.server.address, connection.server.port),
    connection: connection.id,
    index: request.index,
    method: request.method,
    target: request.target,
    version: request.version,
    headers: pairsOf(request.headers),
    bodyBytes: request.bodyLength,
    bodySha256: bodyDigest(request),
  });
  // JSON escapes the control characters below the blank only; those above move cursors just as well.
  return /[^ -~]/.test(json) ? json.replaceAll(/[^ -~]/g, escaped) : json;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function pairsOf(headers: readonly string[]): [string, string][] {
  return Array.from({ length: headers.length / 2 }, (_, at) => [headers[2 * at]!, headers[2 * at + 1]!]);
}

function bodyDigest(request: CapturedRequest['request']): string {
  const digest = createHash('sha256');
  for (const part of bodyParts(request)) digest.update(part);
  return digest.digest('hex');
}
