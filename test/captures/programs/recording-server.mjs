// A server that answers as the query of the target asks, and writes down what it read and sent: the expectation of a
// capture. It knows nothing of Gor.
//
//   node recording-server.mjs OUT.json [--proxy-protocol] [--unseen requests|responses]
//
// Query: status=N size=N chunked trailers etag early close delay=MS slow=MS refuse=N. Targets beginning with /not-whole
// are requests that the capture will not hold whole; --unseen names a side that it does not hold at all. SIGUSR2 forgets
// what was read so far, SIGTERM writes OUT.json.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Recorder } from './recorder.mjs';

/** @typedef {import('node:http').IncomingMessage} Request */
/** @typedef {import('node:http').ServerResponse<Request> & { req: Request }} Response */
/** @typedef {import('node:stream').Duplex} Duplex */

const [out = '', ...flags] = process.argv.slice(2);
const unseen = flags.includes('--unseen') ? flags[flags.indexOf('--unseen') + 1] : undefined;
const recorder = new Recorder();

/** @param {number} length */
const text = (length) => Buffer.alloc(length, 'a line of an answer, said again and again\n');

/**
 * @param {Request} request
 * @param {Response} response
 * @param {boolean} isExpected it was taken down already, with its `100 Continue`
 */
async function answer(request, response, isExpected = false) {
  const query = new URL(request.url ?? '/', 'http://a').searchParams;
  /** @param {string} name */
  const number = (name) => Number(query.get(name) ?? 0);
  if (query.has('slow')) await leaveUnread(request.socket, number('slow'));
  if (!isExpected) recorder.request(request);
  if (query.has('early')) sayEarly(response);
  if (query.has('delay')) await sleep(number('delay'));
  if (!request.complete) await new Promise((resolve) => request.on('end', resolve));
  const isSame = query.has('etag') && request.headers['if-none-match'] === '"one"';
  const status = isSame ? 304 : number('status') || 200;
  const inPieces = query.has('chunked') || query.has('trailers');
  const body = inPieces ? [text(7), text(number('size')), text(1)] : [text(number('size'))];
  if (query.has('etag')) response.setHeader('ETag', '"one"');
  if (query.has('close')) response.setHeader('Connection', 'close');
  if (query.has('trailers')) response.setHeader('Trailer', 'Checked');
  if (!inPieces && status !== 204) response.setHeader('Content-Length', number('size'));
  response.writeHead(status);
  if (query.has('trailers')) response.addTrailers({ Checked: 'yes' });
  const hasBody = request.method !== 'HEAD' && status !== 204 && status !== 304;
  const sent = hasBody ? body.filter(({ length }) => length > 0) : [];
  const trailers = query.has('trailers') && hasBody ? [['Checked', 'yes']] : undefined;
  response.on('finish', () => recorder.response(request, headOf(response), sent, trailers));
  for (const chunk of sent) {
    response.write(chunk);
    await sleep(5);
  }
  response.end();
}

/**
 * The head as Node sent it, fields of its own included: there is no public way to know.
 * @param {Response} response
 * @returns {string}
 */
function headOf(response) {
  return Reflect.get(response, '_header');
}

/**
 * Leaves what comes in the kernel, which then closes the window.
 * @param {net.Socket} socket
 * @param {number} durationMs
 */
async function leaveUnread(socket, durationMs) {
  const handle = Reflect.get(socket, '_handle');
  handle.readStop();
  await sleep(durationMs);
  handle.readStart();
}

/** @param {Response} response */
function sayEarly(response) {
  recorder.response(response.req, 'HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload');
  response.writeEarlyHints({ link: '</style.css>; rel=preload' });
}

/**
 * A head that Node does not send by itself.
 * @param {Request} request
 * @param {readonly string[]} lines
 */
function sendHead(request, lines) {
  const head = `${lines.join('\r\n')}\r\n\r\n`;
  recorder.response(request, head);
  request.socket.write(head);
}

/**
 * A body that may come, or one refused once: 413 and the end, or 417 on a connection that stays.
 * @param {Request} request
 * @param {Response} response
 */
async function answerExpectation(request, response) {
  const { url = '/', socket } = request;
  const refusal = Number(new URL(url, 'http://a').searchParams.get('refuse') ?? 0);
  if (refusal === 0 || refused.has(url)) {
    recorder.request(request);
    recorder.response(request, 'HTTP/1.1 100 Continue');
    response.writeContinue();
    return answer(request, response, true);
  }
  refused.add(url);
  recorder.request(request).isRefused = true;
  const isEnd = refusal === 413;
  sendHead(request, [`HTTP/1.1 ${refusal} Refused`, 'Content-Length: 0', ...(isEnd ? ['Connection: close'] : [])]);
  if (isEnd) socket.end();
  else readOn(socket, Buffer.alloc(0));
}

/**
 * Node's parser would wait for the body: the connection goes on through another one, as if it had just begun.
 * @param {net.Socket} socket
 * @param {Buffer} head
 */
function readOn(socket, head) {
  const waiting = [head];
  /** @param {Buffer} bytes */
  const keep = (bytes) => waiting.push(bytes);
  socket.removeAllListeners('data');
  socket.on('data', keep);
  const { port } = /** @type {net.AddressInfo} */ (relay.address());
  const through = net.createConnection(port, '127.0.0.1', () => {
    behind.set(through.localPort, socket);
    socket.off('data', keep);
    for (const bytes of waiting) through.write(bytes);
    socket.pipe(through).pipe(socket);
  });
  through.on('error', () => socket.destroy());
  socket.on('error', () => through.destroy());
}

/**
 * WebSocket: it says something that looks like a request, and waits for the end. Or HTTP/2 in the clear, as little as curl wants.
 * @param {Request} request
 * @param {Duplex} duplex
 * @param {Buffer} head
 */
function upgrade(request, duplex, head) {
  const socket = /** @type {net.Socket} */ (duplex);
  recorder.request(request).isWhole = true;
  socket.on('error', () => {});
  const { upgrade: protocol = '' } = request.headers;
  const switching = ['HTTP/1.1 101 Switching Protocols', `Upgrade: ${protocol}`, 'Connection: Upgrade'];
  if (protocol === 'websocket') {
    const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    sendHead(request, [...switching, `Sec-WebSocket-Accept: ${accept}`]);
    const message = Buffer.from('GET /said-by-the-server HTTP/1.1\r\nHost: a\r\n\r\n');
    socket.write(Buffer.concat([Buffer.from([0x81, message.length]), message]));
    socket.on('data', (bytes) => bytes[0] === 0x88 && socket.end(Buffer.from([0x88, 0])));
  } else {
    sendHead(request, switching);
    // SETTINGS, SETTINGS with ACK, HEADERS of stream 1: END_STREAM and END_HEADERS, `:status: 200` of the static table.
    socket.write(Buffer.from('000000040000000000 000000040100000000 00000101050000000188'.replaceAll(' ', ''), 'hex'));
    socket.on('data', () => {});
  }
  if (head.length > 0) socket.emit('data', head);
}

/**
 * A proxy: to `refused` it answers 403 and reads on, else it opens the tunnel.
 * @param {Request} request
 * @param {Duplex} duplex
 * @param {Buffer} head
 */
function connect(request, duplex, head) {
  const socket = /** @type {net.Socket} */ (duplex);
  recorder.request(request).isWhole = true;
  socket.on('error', () => {});
  const [host = '', port] = (request.url ?? '').split(':');
  if (host.startsWith('refused')) {
    sendHead(request, ['HTTP/1.1 403 Forbidden', 'Content-Length: 0']);
    return readOn(socket, head);
  }
  const tunnel = net.createConnection(Number(port), host, () => {
    sendHead(request, ['HTTP/1.1 200 Connection established']);
    tunnel.write(head);
    tunnel.pipe(socket).pipe(tunnel);
  });
  tunnel.on('error', () => socket.destroy());
}

/**
 * Takes the PROXY header off, version 1 or 2.
 * @param {net.Socket} socket
 */
function withoutProxyHeader(socket) {
  socket.once('data', (/** @type {Buffer} */ bytes) => {
    socket.pause();
    const length = bytes[0] === 0x0d ? 16 + bytes.readUInt16BE(14) : bytes.indexOf('\r\n') + 2;
    socket.unshift(bytes.subarray(length));
    server.emit('connection', socket);
    socket.resume();
  });
}

/** Goes on with a connection of `readOn`, once it is known which. */
async function goOn(/** @type {net.Socket} */ socket) {
  await sleep(20);
  const { remoteAddress, remotePort } = behind.get(socket.remotePort) ?? {};
  Object.defineProperty(socket, 'remoteAddress', { value: remoteAddress });
  Object.defineProperty(socket, 'remotePort', { value: remotePort });
  server.emit('connection', socket);
}

/** Targets whose body was refused already. */
const refused = new Set();
/** @type {Map<number | undefined, net.Socket>} connections that go on through the relay, by the port they have there */
const behind = new Map();
const server = http.createServer({ keepAliveTimeout: 60_000, requestTimeout: 0, headersTimeout: 0 }, answer);
server.on('checkContinue', answerExpectation).on('upgrade', upgrade).on('connect', connect);
server.on('clientError', (error, socket) => {
  if (Reflect.get(error, 'code')?.startsWith('HPE_')) recorder.brokenHead();
  socket.destroy();
});
const relay = net.createServer(goOn).listen(0, '127.0.0.1');
const front = flags.includes('--proxy-protocol') ? net.createServer(withoutProxyHeader) : server;
front.listen(8973, '::', () => console.log('ready'));
process.on('SIGUSR2', () => recorder.forget());
process.on('SIGTERM', () => {
  writeFileSync(out, recorder.toJson(unseen));
  process.exit();
});
