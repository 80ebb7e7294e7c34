// An npm registry on loopback that has our packed packages, and sends npm to the real one for all others: only so npm
// chooses by `os`, `cpu` and `libc`, as it will for users.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

/** @typedef {{ name: string, version: string, file: string, manifest: Record<string, any> }} Packed */

export class Registry {
  url = '';
  #packed;
  #upstream;
  #server = createServer((request, response) => this.#answer(request.url ?? '', response));

  /**
   * @param {readonly Packed[]} packed
   * @param {string} upstream address of the registry for all others
   */
  constructor(packed, upstream) {
    this.#packed = new Map(packed.map((each) => [each.name, each]));
    this.#upstream = upstream.replace(/\/$/, '');
  }

  async start() {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the registry has no port');
    this.url = `http://127.0.0.1:${address.port}`;
  }

  stop() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /**
   * @param {string} url
   * @param {import('node:http').ServerResponse} response
   */
  #answer(url, response) {
    const [, tarball, path = ''] = /^\/(tarball\/)?(.*)$/.exec(decodeURIComponent(url)) ?? [];
    const found = this.#packed.get(path);
    if (found === undefined) response.writeHead(302, { location: `${this.#upstream}${url}` }).end();
    else if (tarball === undefined) response.end(JSON.stringify(this.#packument(found)));
    else response.end(readFileSync(found.file));
  }

  /** @param {Packed} packed */
  #packument({ name, version, file, manifest }) {
    const integrity = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
    const dist = { tarball: `${this.url}/tarball/${name}`, integrity };
    return { name, 'dist-tags': { latest: version }, versions: { [version]: { ...manifest, dist } } };
  }
}
