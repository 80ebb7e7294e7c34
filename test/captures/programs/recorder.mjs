// What a server read and sent, as the expectation of a capture. Node's own parser found the requests.
import { createHash } from 'node:crypto';

/** @typedef {import('node:net').Socket} Socket */
/**
 * @typedef {{ client: string, method: string, target: string, version: string, headers: string[][], bodyBytes: number,
 *   bodySha256: string, trailers?: string[][] }} RequestEntry
 */
/**
 * @typedef {{ entry: RequestEntry, isWhole: boolean, isRefused: boolean, isForgotten: boolean, responses: object[] }} Exchange
 */

/** Takes down the messages of all connections: requests in the order of their beginning, responses in that of their requests. */
export class Recorder {
  /** @type {Map<import('node:http').IncomingMessage, Exchange>} */
  #exchanges = new Map();
  #brokenHeads = 0;

  /**
   * A request at its head; its body is added as it comes.
   * @param {import('node:http').IncomingMessage} request
   * @returns {Exchange}
   */
  request(request) {
    const { method = '', url: target = '', httpVersion: version, rawHeaders } = request;
    const client = addressOf(request.socket);
    const headers = pairsOf(rawHeaders);
    /** @type {RequestEntry} */
    const entry = { client, method, target, version, headers, bodyBytes: 0, bodySha256: sha256([]) };
    /** @type {Exchange} */
    const exchange = { entry, isWhole: false, isRefused: false, isForgotten: false, responses: [] };
    this.#exchanges.set(request, exchange);
    /** @type {Uint8Array[]} */
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      exchange.isWhole = true;
      entry.bodyBytes = bytesOf(chunks);
      entry.bodySha256 = sha256(chunks);
      if (request.rawTrailers.length > 0) entry.trailers = pairsOf(request.rawTrailers);
    });
    return exchange;
  }

  /** A head that ended before it was whole. */
  brokenHead() {
    this.#brokenHeads += 1;
  }

  /**
   * A response to a request taken down before, interim ones too; `head` as sent, `chunks` its body.
   * @param {import('node:http').IncomingMessage} request
   * @param {string} head
   * @param {readonly Uint8Array[]} chunks
   * @param {string[][] | undefined} trailers
   */
  response(request, head, chunks = [], trailers = undefined) {
    const [line = '', ...fields] = head.trimEnd().split('\r\n');
    const [, version, status, reason] = /^HTTP\/(\S+) (\d+) ?(.*)$/.exec(line) ?? [];
    const headers = fields.map((field) => {
      const colon = field.indexOf(':');
      return [field.slice(0, colon), field.slice(colon + 1).trim()];
    });
    const body = { bodyBytes: bytesOf(chunks), bodySha256: sha256(chunks) };
    const entry = { client: addressOf(request.socket), status: Number(status), reason, version, headers, ...body };
    this.#exchanges.get(request)?.responses.push(trailers === undefined ? entry : { ...entry, trailers });
  }

  /** Forgets all that was sent so far, and the requests whose answers are still to come. */
  forget() {
    for (const exchange of this.#exchanges.values()) {
      exchange.isForgotten = true;
      exchange.responses = [];
    }
  }

  /**
   * The expectation; of a side that the capture does not hold nothing is expected.
   * @param {string | undefined} unseen `requests` or `responses`
   */
  toJson(unseen) {
    const exchanges = [...this.#exchanges.values()];
    const sent = exchanges.filter(({ isForgotten }) => !isForgotten);
    /** @param {Exchange} exchange */
    const isSeen = ({ entry, isWhole, isRefused }) =>
      isWhole && !isRefused && !entry.target.startsWith('/not-whole') && unseen !== 'requests';
    const requests = sent.filter(isSeen).map(({ entry }) => entry);
    const notWhole = sent.filter((exchange) => !isSeen(exchange)).map(({ entry }) => `${entry.method} ${entry.target}`);
    for (let head = 0; head < this.#brokenHeads; head++) notWhole.push('a head without its end');
    const responses = exchanges.flatMap((exchange) => exchange.responses);
    const seenResponses = unseen === 'responses' ? {} : { responses };
    return linesOf({ requests, ...seenResponses, ...(notWhole.length > 0 ? { notWhole } : {}) });
  }
}

/**
 * JSON with a line for each message, so that a change shows where it is.
 * @param {Record<string, readonly unknown[]>} expectation
 */
export function linesOf(expectation) {
  const lines = Object.entries(expectation).map(([name, entries]) => {
    const list = entries.map((entry) => `\n    ${JSON.stringify(entry)}`).join(',');
    return `"${name}": [${list}${entries.length > 0 ? '\n  ' : ''}]`;
  });
  return `{\n  ${lines.join(',\n  ')}\n}\n`;
}

/** @param {readonly string[]} flat */
function pairsOf(flat) {
  return flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? '']] : []));
}

/** @param {Socket} socket */
function addressOf({ remoteAddress = '', remotePort }) {
  return `${remoteAddress.replace('::ffff:', '')} ${remotePort}`;
}

/** @param {readonly Uint8Array[]} chunks */
function bytesOf(chunks) {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}

/** @param {readonly Uint8Array[]} chunks */
function sha256(chunks) {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}
