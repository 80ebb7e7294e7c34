// Seals and opens datagrams of 1,200 bytes as the wire does, and with node:crypto alone: the same bytes, the same associated
// data, a fresh cipher each.
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { recordSealing, wireKey } from '../../../packages/wire/dist/sealing.js'; // what the package keeps for itself
import { takeCalls } from './calls.mjs';
import { measured } from './costs.mjs';

const DATAGRAM_BYTES = 1200;
const HEADER_BYTES = 32;
const TAG_BYTES = 16;
const SEQUENCE_AT = 16;

const key = new Uint8Array(32).fill(7);
const sealing = recordSealing(wireKey(key), '00112233445566ff');
const datagram = new Uint8Array(64 * 1024).subarray(1200, 1200 + DATAGRAM_BYTES);
const view = new DataView(datagram.buffer, datagram.byteOffset, DATAGRAM_BYTES);
const header = datagram.slice(0, HEADER_BYTES);
const body = datagram.slice(HEADER_BYTES, -TAG_BYTES);
const nonce = new Uint8Array(12);
const nonceView = new DataView(nonce.buffer);
let sequence = 0;
takeCalls({ seal, sealFloor, open, openFloor });

/** @param {{ count: number }} load */
function seal({ count }) {
  return measured(() => {
    for (let done = 0; done < count; done++) {
      view.setUint32(SEQUENCE_AT + 4, ++sequence);
      sealing.seal(datagram);
    }
  });
}

/** @param {{ count: number }} load */
function sealFloor({ count }) {
  return measured(() => {
    for (let done = 0; done < count; done++) {
      nonceView.setUint32(8, ++sequence);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      cipher.setAAD(header);
      cipher.update(body);
      cipher.final();
      cipher.getAuthTag();
    }
  });
}

/** @param {{ count: number }} load */
function open({ count }) {
  sealing.seal(datagram);
  const sealed = datagram.slice();
  return measured(() => {
    for (let done = 0; done < count; done++) {
      datagram.set(sealed);
      if (sealing.open(datagram) === undefined) throw new Error('a datagram does not open');
    }
  });
}

/** @param {{ count: number }} load */
function openFloor({ count }) {
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(header);
  const sealed = new Uint8Array([...header, ...cipher.update(body), ...cipher.final(), ...cipher.getAuthTag()]);
  const [sealedBody, tag] = [datagram.subarray(HEADER_BYTES, -TAG_BYTES), datagram.subarray(-TAG_BYTES)];
  return measured(() => {
    for (let done = 0; done < count; done++) {
      datagram.set(sealed); // as with ours, which opens in place
      const decipher = createDecipheriv('aes-256-gcm', key, nonce);
      decipher.setAAD(header);
      decipher.setAuthTag(tag);
      decipher.update(sealedBody);
      decipher.final();
    }
  });
}
