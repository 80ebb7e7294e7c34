// Musl's headers and library for any processor, out of Debian's packages, which are unpacked and not installed: apt checks
// their signatures, and the system's own list of architectures stays as it is.
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { run } from '../setup/step.mjs';

const FOLDER = '.setup/musl';
/** The kernel's headers are nobody's libc; those of the processor lie elsewhere. */
const KERNEL_HEADERS = ['linux', 'asm-generic'];

/**
 * What gcc needs to compile and link against musl instead of glibc.
 * @param {import('./targets.mjs').Target} target
 * @param {string} compiler
 * @returns {Promise<{ includes: string[], libraries: string[], library: string }>} library is musl's own, to look into
 */
export async function muslFlags(target, compiler) {
  const root = resolve(FOLDER, target.debianArch);
  const triplet = target.triplet.replace('-gnu', '-musl');
  if (!existsSync(join(root, 'usr'))) await unpackMusl(target.debianArch, root);
  const ownHeaders = (await run(compiler, ['-print-file-name=include'])).trim();
  const headers = [ownHeaders, join(root, 'usr/include', triplet), kernelHeaders(target, root)];
  const folders = ['lib', 'usr/lib'].map((folder) => join(root, folder, triplet));
  const libraries = folders.find((folder) => existsSync(join(folder, 'libc.so')));
  if (libraries === undefined) throw new Error(`no libc.so in ${folders.join(', ')}`);
  return {
    includes: ['-nostdinc', ...headers.flatMap((folder) => ['-isystem', folder])],
    libraries: ['-nostdlib', '-L', libraries, '-lc', '-lgcc'],
    library: join(libraries, 'libc.so'),
  };
}

/**
 * @param {string} debianArch
 * @param {string} root
 */
async function unpackMusl(debianArch, root) {
  const state = resolve(FOLDER, `apt-${debianArch}`);
  const debs = join(state, 'debs');
  for (const folder of [debs, join(state, 'lists/partial'), join(state, 'archives/partial')]) {
    mkdirSync(folder, { recursive: true });
  }
  const options = [
    ['-o', `APT::Architectures::=${debianArch}`],
    ['-o', `Dir::State::lists=${join(state, 'lists')}`],
    ['-o', `Dir::Cache=${state}`],
    ['-o', 'APT::Sandbox::User=root'], // the folder is nobody else's to write to
  ].flat();
  await run('apt-get', [...options, 'update']);
  await run('apt-get', [...options, 'download', `musl:${debianArch}`, `musl-dev:${debianArch}`], { cwd: debs });
  const unpacked = `${root}.${process.pid}`;
  for (const deb of readdirSync(debs)) await run('dpkg-deb', ['-x', join(debs, deb), unpacked]);
  await run('mv', [unpacked, root]);
  rmSync(state, { recursive: true, force: true });
}

/**
 * A folder with nothing but the kernel's headers: gcc would take glibc's from beside them.
 * @param {import('./targets.mjs').Target} target
 * @param {string} root
 */
function kernelHeaders(target, root) {
  const folder = join(root, 'kernel');
  const cross = `/usr/${target.triplet}/include`;
  const general = existsSync(join(cross, 'linux')) ? cross : '/usr/include';
  const ofProcessor = existsSync(join(cross, 'asm')) ? cross : join('/usr/include', target.triplet);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const name of KERNEL_HEADERS) symlinkSync(join(general, name), join(folder, name));
  symlinkSync(join(ofProcessor, 'asm'), join(folder, 'asm'));
  return folder;
}
