// A small HTTP server that notes every request as it arrived, and prints the notes as JSON when it is asked to end.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';

/**
 * @typedef {object} Note
 * @property {string} id the value of X-Demo-Request
 * @property {string} method
 * @property {string} target
 * @property {string} version
 * @property {string[]} headers flat, as they came
 * @property {number} bodyBytes
 * @property {string} bodySha256 without transfer coding
 */

/** @type {Note[]} */
const notes = [];

const server = createServer((request, response) => {
  const digest = createHash('sha256');
  let bodyBytes = 0;
  request.on('data', (chunk) => {
    digest.update(chunk);
    bodyBytes += chunk.length;
  });
  request.on('end', () => {
    notes.push({
      id: String(request.headers['x-demo-request']),
      method: request.method ?? '',
      target: request.url ?? '',
      version: request.httpVersion,
      headers: request.rawHeaders,
      bodyBytes,
      bodySha256: digest.digest('hex'),
    });
    const missing = request.url?.startsWith('/missing') === true;
    response.writeHead(missing ? 404 : 200, { 'Content-Type': 'text/plain' });
    response.end(missing ? 'there is no such thing\n' : `done ${notes.length}\n`);
  });
});

server.keepAliveTimeout = 30_000;
server.listen({ host: process.argv[2], port: 0 }, () => {
  const address = server.address();
  process.stderr.write(`ready on port ${typeof address === 'object' ? address?.port : ''}\n`);
});
process.on('SIGTERM', () => {
  process.stdout.write(JSON.stringify(notes));
  server.close();
  server.closeAllConnections();
});
