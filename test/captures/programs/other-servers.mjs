// Servers of other protocols, as much of them as real clients need to start: other-servers.mjs KIND [KEY CERTIFICATE].
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';

const [kind = '', key = '', cert = ''] = process.argv.slice(2);

/**
 * Says `greeting`, then answers each packet by the first row whose beginning fits.
 * @param {string} greeting
 * @param {[start: string, answer: string | Buffer][]} rows
 */
function talking(greeting, rows) {
  return net.createServer((socket) => {
    socket.on('error', () => {});
    if (greeting.length > 0) socket.write(greeting);
    socket.on('data', (bytes) => {
      const row = rows.find(([start]) => bytes.toString('latin1').startsWith(start));
      if (row === undefined) socket.end();
      else socket.write(row[1]);
    });
  });
}

/** @type {Record<string, () => net.Server>} */
const servers = {
  tls: () =>
    https.createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, answer) => answer.end('secret\n')),
  h2: () => http2.createServer((_, answer) => answer.end('in a frame\n')),
  ssh: () => talking('SSH-2.0-Example_1.0\r\n', []),
  smtp: () =>
    talking('220 mail.example\r\n', [
      ['EHLO', '250 mail.example\r\n'],
      ['MAIL', '250 ok\r\n'],
      ['RCPT', '250 ok\r\n'],
      ['DATA', '354 go on\r\n'],
      ['QUIT', '221 bye\r\n'],
      ['', '250 ok\r\n'],
    ]),
  rtsp: () => talking('', [['OPTIONS', 'RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: OPTIONS\r\n\r\n']]),
  mqtt: () => talking('', [['\x10', Buffer.from([0x20, 2, 0, 0])]]),
};
servers[kind]?.().listen(8973, '::', () => console.log('ready'));
process.on('SIGTERM', () => process.exit());
