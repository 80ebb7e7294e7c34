// The requests of the live benches: GETs whose head has 500 bytes, POSTs of 10 KB, with the time of sending in a field.

const HEAD_BYTES = 500;
const BODY_BYTES = 10 * 1024;
/** The name of the field, as staging looks for it; its value has 16 digits. */
export const STAMP = 'X-Sent-Us: ';
export const STAMP_DIGITS = 16;

/** @typedef {'get' | 'post'} RequestKind */

/**
 * The bytes of a request, the stamp all zeros, and where the stamp stands.
 * @param {RequestKind} kind
 * @param {string} host
 */
export function stampedRequest(kind, host) {
  const about = kind === 'get' ? '' : `Content-Type: text/plain\r\nContent-Length: ${BODY_BYTES}\r\n`;
  const start = kind === 'get' ? 'GET /shop/article/17?page=3&sort=price' : 'POST /shop/orders';
  const head = `${start} HTTP/1.1\r\nHost: ${host}\r\n${STAMP}${'0'.repeat(STAMP_DIGITS)}\r\n${fields}${about}Cookie: `;
  const cookie = 'c'.repeat(HEAD_BYTES - head.length - 4);
  const body = kind === 'get' ? '' : 'b'.repeat(BODY_BYTES);
  const bytes = Buffer.from(`${head}${cookie}\r\n\r\n${body}`, 'latin1');
  return { bytes, stampAt: head.indexOf(STAMP) + STAMP.length };
}

const fields =
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0)\r\nAccept: text/html,application/xhtml+xml;q=0.9\r\n' +
  'Accept-Language: en\r\nAccept-Encoding: gzip, br\r\n';

/** What makes wrk's own head, of method, path and Host, one of 500 bytes. */
export function wrkHeaders() {
  const own = 'GET /shop/article/17?page=3&sort=price HTTP/1.1\r\nHost: 127.0.0.1:00000\r\n\r\n'.length;
  const [agent = '', accept = '', language = '', encoding = ''] = fields.split('\r\n');
  const headers = [agent, accept, language, encoding];
  const cookieBytes = HEAD_BYTES - own - fields.length - 'Cookie: \r\n'.length;
  return [...headers, `Cookie: ${'c'.repeat(cookieBytes)}`];
}
