// Loads an addon into the Node that runs this, names the interfaces with it, and says on what system that was: for
// `node scripts/addons/load.cjs FILE` in a container or an emulator, so in the plainest JavaScript and without a package.
const { resolve } = require('node:path');

const file = process.argv[2] ?? 'packages/capture/build/ring.node';
const addon = require(resolve(file));
const names = Object.keys(addon.interfaces());
if (typeof addon.Ring !== 'function' || !names.includes('lo'))
  throw new Error(`${file} is not the addon of the engine ring`);
let refusal = '';
try {
  new addon.Ring();
} catch (error) {
  refusal = error instanceof Error ? error.message : String(error);
}
if (refusal !== 'Ring: wrong arguments') throw new Error(`${file} took no arguments: ${refusal}`);
const header = /** @type {{ header?: { glibcVersionRuntime?: string } }} */ (process.report.getReport()).header;
const libc = header?.glibcVersionRuntime === undefined ? 'musl' : `glibc ${header.glibcVersionRuntime}`;
process.stdout.write(`loads in Node ${process.version} on ${process.platform} ${process.arch} with ${libc}\n`);
