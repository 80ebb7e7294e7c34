// A server that answers as the query of the target asks, and writes down what it read and sent: the expectation of a
// capture, by Node's own parser. It knows nothing of Gor.
//
//   node recording-server.mjs OUT.json [--proxy-protocol] [--unseen requests|responses]
//
// Query: status=N size=N chunked trailers etag early close delay=MS slow=MS. Targets beginning with /not-whole are
// requests that the capture will not hold whole; --unseen names a side that it does not hold at all. SIGUSR2 forgets what
// was read so far, SIGTERM writes OUT.json.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const [out, ...flags] = process.argv.slice(2);
const isUnseen = (side) => flags[flags.indexOf('--unseen') + 1] === side;
/** @type {any[]} */
let requests = [];
/** @type {any[]} */
let responses = [];

const pairs = (flat) => flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1]]] : []));
const addressOf = ({ remoteAddress, remotePort }) => `${remoteAddress.replace('::ffff:', '')} ${remotePort}`;
const sha256 = (chunks) => chunks.reduce((hash, chunk) => hash.update(chunk), createHash('sha256')).digest('hex');

/** Writes down a request at its head; its body when it is whole. */
function recordRequest(request) {
  const { method, url: target, httpVersion: version, rawHeaders } = request;
  const client = addressOf(request.socket);
  const entry = { client, method, target, version, headers: pairs(rawHeaders), bodyBytes: 0, bodySha256: sha256([]) };
  requests.push({ entry, isWhole: false });
  const recorded = requests.at(-1);
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    recorded.isWhole = true;
    entry.bodyBytes = chunks.reduce((sum, { length }) => sum + length, 0);
    entry.bodySha256 = sha256(chunks);
    if (request.rawTrailers.length > 0) entry.trailers = pairs(request.rawTrailers);
  });
  return recorded;
}

/** Writes down a response whose head is `head` as sent. */
function recordResponse(socket, head, chunks = [], trailers = undefined) {
  const [line, ...fields] = head.trimEnd().split('\r\n');
  const [, version, status, reason] = /^HTTP\/(\S+) (\d+) ?(.*)$/.exec(line) ?? [];
  const headers = fields.map((field) => [field.slice(0, field.indexOf(':')), field.slice(field.indexOf(':') + 1).trim()]);
  const bodyBytes = chunks.reduce((sum, { length }) => sum + length, 0);
  const client = addressOf(socket);
  const entry = { client, status: Number(status), reason, version, headers, bodyBytes, bodySha256: sha256(chunks) };
  responses.push(trailers === undefined ? entry : { ...entry, trailers });
}

/** Sends a head that Node does not send by itself, and writes it down. */
function sendHead(socket, head) {
  recordResponse(socket, head);
  socket.write(head);
}

const text = (length) => Buffer.alloc(length, 'a line of an answer, said again and again\n');

async function answer(request, response) {
  const query = new URL(request.url, 'http://a').searchParams;
  const number = (name) => Number(query.get(name) ?? 0);
  if (query.has('slow')) await leaveUnread(request.socket, number('slow'));
  recordRequest(request);
  if (query.has('early')) earlyHints(response);
  if (query.has('delay')) await sleep(number('delay'));
  if (!query.has('at-once')) await new Promise((resolve) => (request.complete ? resolve() : request.on('end', resolve)));
  const isSame = query.has('etag') && request.headers['if-none-match'] === '"one"';
  const status = isSame ? 304 : number('status') || 200;
  const hasBody = request.method !== 'HEAD' && status !== 204 && status !== 304;
  const chunks = query.has('chunked') || query.has('trailers') ? [text(7), text(number('size')), text(1)] : [text(number('size'))];
  if (query.has('etag')) response.setHeader('ETag', '"one"');
  if (query.has('close')) response.setHeader('Connection', 'close');
  if (query.has('trailers')) response.setHeader('Trailer', 'Checked');
  else if (!query.has('chunked') && status !== 204) response.setHeader('Content-Length', chunks[0].length);
  response.writeHead(status);
  if (query.has('trailers')) response.addTrailers({ Checked: 'yes' });
  const sent = hasBody ? chunks.filter(({ length }) => length > 0) : [];
  response.on('finish', () => {
    const trailers = query.has('trailers') && hasBody ? [['Checked', 'yes']] : undefined;
    recordResponse(request.socket, response._header, sent, trailers);
  });
  for (const chunk of sent) {
    response.write(chunk);
    await sleep(5);
  }
  response.end();
}

/** Leaves what comes in the kernel, which then closes the window. */
async function leaveUnread(socket, durationMs) {
  socket._handle.readStop();
  await sleep(durationMs);
  socket._handle.readStart();
}

function earlyHints(response) {
  recordResponse(response.req.socket, 'HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n');
  response.writeEarlyHints({ Link: '</style.css>; rel=preload' });
}

/** A body that may come, or one refused once: 413 and the end, or 417 on a connection that stays. */
async function answerExpectation(request, response) {
  const refusal = Number(new URL(request.url, 'http://a').searchParams.get('refuse') ?? 0);
  if (refusal === 0 || refused.has(request.url)) {
    recordResponse(request.socket, 'HTTP/1.1 100 Continue\r\n');
    response.writeContinue();
    return answer(request, response);
  }
  refused.add(request.url);
  recordRequest(request).isRefused = true;
  const { socket } = request;
  const head = `HTTP/1.1 ${refusal} Refused\r\nContent-Length: 0\r\n${refusal === 413 ? 'Connection: close\r\n' : ''}\r\n`;
  sendHead(socket, head);
  if (refusal === 413) return socket.end();
  readOn(socket);
}

/** Node's parser would wait for the body: the connection goes on through another one, as if it had just begun. */
function readOn(socket, head = Buffer.alloc(0)) {
  const waiting = [head];
  const keep = (bytes) => waiting.push(bytes);
  socket.removeAllListeners('data');
  socket.on('data', keep);
  const front = net.createConnection(relay.address().port, '127.0.0.1', () => {
    behind.set(front.localPort, socket);
    socket.off('data', keep);
    for (const bytes of waiting) front.write(bytes);
    socket.pipe(front).pipe(socket);
  });
  front.on('error', () => socket.destroy());
  socket.on('error', () => front.destroy());
}

function upgrade(request, socket, head) {
  recordRequest(request);
  requests.at(-1).isWhole = true;
  socket.on('error', () => {});
  if (request.headers.upgrade === 'websocket') {
    const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    sendHead(socket, `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    const message = 'GET /said-by-the-server HTTP/1.1\r\nHost: a\r\n\r\n';
    socket.write(Buffer.concat([Buffer.from([0x81, message.length]), Buffer.from(message)]));
    socket.on('data', (bytes) => (bytes[0] === 0x88 ? socket.end(Buffer.from([0x88, 0])) : undefined));
  } else {
    sendHead(socket, 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
    // SETTINGS, SETTINGS with ACK, HEADERS of stream 1: END_STREAM and END_HEADERS, `:status: 200` of the static table.
    socket.write(Buffer.from('000000040000000000' + '000000040100000000' + '00000101050000000188', 'hex'));
    socket.on('data', () => {});
  }
  if (head.length > 0) socket.emit('data', head);
}

/** A proxy: to /refused it answers 403 and reads on, else it opens the tunnel. */
function connect(request, socket, head) {
  recordRequest(request);
  requests.at(-1).isWhole = true;
  socket.on('error', () => {});
  if (request.url.startsWith('refused')) {
    sendHead(socket, 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
    return readOn(socket, head);
  }
  const [host, port] = request.url.split(':');
  const tunnel = net.createConnection(Number(port), host, () => {
    sendHead(socket, 'HTTP/1.1 200 Connection established\r\n\r\n');
    tunnel.write(head);
    tunnel.pipe(socket).pipe(tunnel);
  });
  tunnel.on('error', () => socket.destroy());
}

/** Takes the PROXY header off, version 1 or 2, which says only what the capture shows as well. */
function withoutProxyHeader(socket) {
  socket.once('data', (bytes) => {
    socket.pause();
    const length = bytes[0] === 0x0d ? 16 + bytes.readUInt16BE(14) : bytes.indexOf('\r\n') + 2;
    socket.unshift(bytes.subarray(length));
    server.emit('connection', socket);
    socket.resume();
  });
}

/** Targets whose body was refused already. */
const refused = new Set();
/** Connections that go on through the second port, by its client's port there. */
const behind = new Map();
const options = { keepAliveTimeout: 60_000, requestTimeout: 0, headersTimeout: 0 };
const server = http.createServer(options, answer);
server.on('checkContinue', answerExpectation).on('upgrade', upgrade).on('connect', connect);
server.on('clientError', (_, socket) => socket.destroy());
const relay = net.createServer((socket) => {
  setTimeout(() => {
    const { remoteAddress, remotePort } = behind.get(socket.remotePort);
    Object.defineProperty(socket, 'remoteAddress', { value: remoteAddress });
    Object.defineProperty(socket, 'remotePort', { value: remotePort });
    server.emit('connection', socket);
  }, 20);
});
relay.listen(0, '127.0.0.1');
const front = flags.includes('--proxy-protocol') ? net.createServer(withoutProxyHeader) : server;
front.listen(8973, '::', () => console.log('ready'));

process.on('SIGUSR2', () => {
  requests = [];
  responses = [];
});
process.on('SIGTERM', () => {
  const isKnown = ({ entry, isWhole, isRefused }) =>
    isWhole && !isRefused && !entry.target.startsWith('/not-whole') && !isUnseen('requests');
  const whole = requests.filter(isKnown).map(({ entry }) => entry);
  const notWhole = requests.filter((request) => !isKnown(request)).map(({ entry }) => `${entry.method} ${entry.target}`);
  const seen = isUnseen('responses') ? {} : { responses };
  writeFileSync(out, toJson({ requests: whole, ...seen, ...(notWhole.length > 0 ? { notWhole } : {}) }));
  process.exit();
});

/** One line for each message, so that a change shows where it is. */
function toJson(expectation) {
  const lines = Object.entries(expectation).map(([name, value]) =>
    Array.isArray(value) && value.length > 0
      ? `"${name}": [\n    ${value.map((entry) => JSON.stringify(entry)).join(',\n    ')}\n  ]`
      : `"${name}": ${JSON.stringify(value)}`,
  );
  return `{\n  ${lines.join(',\n  ')}\n}\n`;
}
