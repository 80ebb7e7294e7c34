// The users of the demonstration: a few thousand requests of every ordinary kind, over IPv4 and IPv6, each with a number.
import { Agent, request as httpRequest } from 'node:http';

const JSON_BODY = JSON.stringify({ name: 'Zoë', tags: ['a', 'b'], note: 'x'.repeat(900) });

/**
 * What a kind of request consists of; `chunks` without a length is sent with chunked transfer coding.
 * @type {readonly { method: string, path: string, headers?: Record<string, string>, body?: string, chunks?: string[] }[]}
 */
const KINDS = [
  {
    method: 'GET',
    path: '/articles?page=2&sort=new',
    headers: { Accept: 'text/html', 'Accept-Language': 'en, de;q=0.5' },
  },
  {
    method: 'POST',
    path: '/login',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: 'user=ann&pass=s%C3%A9cret',
  },
  { method: 'PUT', path: '/articles/17', headers: { 'Content-Type': 'application/json' }, body: JSON_BODY },
  {
    method: 'POST',
    path: '/upload',
    headers: { 'Content-Type': 'text/plain' },
    chunks: ['first part, ', 'second part, ', 'y'.repeat(5000)],
  },
  { method: 'HEAD', path: '/articles/17' },
  { method: 'DELETE', path: '/articles/17?force=%00' },
  { method: 'GET', path: '/missing//x', headers: { Cookie: 'session=0123456789abcdef; theme=dark', 'X-Empty': '' } },
  { method: 'POST', path: '/large', headers: { 'Content-Type': 'application/octet-stream' }, body: 'z'.repeat(40_000) },
];

/**
 * Sends the requests and resolves when all are answered.
 * @param {readonly string[]} hosts addresses of the server: 127.0.0.1, ::1
 * @param {number} port
 * @param {number} count
 */
export async function sendRequests(hosts, port, count) {
  const users = hosts.flatMap((host) => [
    { host, agent: new Agent({ keepAlive: true, maxSockets: 1 }) },
    { host, agent: new Agent({ keepAlive: true, maxSockets: 1 }) },
    { host, agent: new Agent({ keepAlive: false }) },
  ]);
  let next = 0;
  const work = users.map(async ({ host, agent }) => {
    while (next < count) await send(host, port, agent, next++);
    agent.destroy();
  });
  await Promise.all(work);
}

/**
 * @param {string} host
 * @param {number} port
 * @param {Agent} agent
 * @param {number} number
 * @returns {Promise<void>}
 */
function send(host, port, agent, number) {
  const { method, path, headers, body, chunks } = KINDS[number % KINDS.length];
  const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      { host, port, agent, method, path, headers: { ...headers, ...length, 'X-Demo-Request': String(number) } },
      (response) => response.resume().on('end', resolve),
    );
    outgoing.on('error', reject);
    for (const chunk of chunks ?? []) outgoing.write(chunk);
    outgoing.end(body);
  });
}
