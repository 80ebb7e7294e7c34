// Giving up root with real processes: every thread has lost every right, and nothing that comes afterwards misses them.
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import type { ListenLedger } from 'gor-listen';
import { afterAll, describe, expect, type TestContext, test } from 'vitest';
import { Program } from '../../scripts/program.mjs';
import { numberedGet, sendLoad } from '../kit/http-load.ts';
import { programPath, runToEnd } from '../kit/process.ts';
import { RawServer } from '../kit/raw-server.ts';
import { needs } from '../kit/rights.ts';
import { expectBalance, expectListenBalance, startReplay } from './programs.ts';

const NOBODY = 65_534;
const noCaller = ['env', '-u', 'SUDO_UID', '-u', 'SUDO_GID', '-u', 'DOAS_USER'];
const root = resolve(import.meta.dirname, '../..');

/** A server, one request to it, and their end. */
const oneRequest = `
  const http = require('node:http');
  const server = http.createServer((_, response) => response.end('ok')).listen(8090, '127.0.0.1', () =>
    http.get('http://127.0.0.1:8090/', (answer) => answer.pipe(process.stdout).on('unpipe', () => server.close())));
  setTimeout(() => process.exit(), 500);`;

/** A folder that only root can enter: what is read or written in it after root is gone fails. */
const folder = mkdtempSync(join(tmpdir(), 'gor-privileges-'));
let ledgers = 0;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** gor-listen by way of another command, such as `env` or `sudo`. */
function listenBy([command = '', ...args]: readonly string[], ...flags: string[]): Program {
  return new Program('gor-listen', [...args, process.execPath, programPath('gor-listen'), ...flags], command);
}

/** `--ledger` and a file of its own for each call. */
function ledgerFlags(): [flag: string, file: string] {
  return ['--ledger', join(folder, `ledger-${++ledgers}.json`)];
}

function ledgerOf([, file]: readonly [flag: string, file: string]): ListenLedger {
  return JSON.parse(readFileSync(file, 'utf8')) as ListenLedger;
}

/** The fields of every thread that say what it may do, each combination once. */
function rightsOf(pid: number): Record<string, string>[] {
  const texts = readdirSync(`/proc/${pid}/task`).map((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'latin1');
    const fields = ['Uid', 'Gid', 'Groups', 'CapPrm', 'CapEff', 'CapAmb'];
    return JSON.stringify(
      Object.fromEntries(
        fields.map((field) => [
          field,
          new RegExp(`^${field}:(.*)$`, 'm').exec(status)?.[1]?.trim().replaceAll('\t', ' '),
        ]),
      ),
    );
  });
  expect(texts.length).toBeGreaterThan(4);
  return [...new Set(texts)].map((text) => JSON.parse(text) as Record<string, string>);
}

const none = '0000000000000000';
const four = (id: number): string => Array.from({ length: 4 }, () => id).join(' ');
const asNobody = {
  ...{ Uid: four(NOBODY), Gid: four(NOBODY), Groups: `${NOBODY}` },
  ...{ CapPrm: none, CapEff: none, CapAmb: none },
};

/** Loads a server through the listener, looks at its rights before and after, and gives its ledger. */
async function captured(start: (flags: string[]) => Program, expected: object, pidOf = ({ pid }: Program) => pid) {
  await using production = await RawServer.start();
  await using staging = await RawServer.start();
  const replay = await startReplay('-f', `http://127.0.0.1:${staging.port}`);
  const ownLedger = ledgerFlags();
  const listen = start(['-p', `${production.port}`, '-r', `127.0.0.1:${replay.port}`, ...ownLedger]);
  await listen.ready(/ready: watching/);
  expect(rightsOf(pidOf(listen))).toEqual([expected]);
  const count = 500;
  await sendLoad({ port: production.port, count, ratePerSecond: 1000, request: (number) => numberedGet(number) });
  await staging.arrived(count);
  expect(rightsOf(pidOf(listen))).toEqual([expected]);
  await listen.stop();
  const ledger = ledgerOf(ownLedger);
  expectBalance(ledger, await replay.stop());
  expect(ledger).toMatchObject({ captured: count, sent: count, dropped: {}, failure: null });
  return { ledger, stderr: listen.stderr };
}

describe.concurrent('root is given up once everything is open, and every request arrives', () => {
  test.for<[sentence: string, by: readonly string[], flags: readonly string[]]>([
    ['for the user of --user', noCaller, ['--user', 'nobody']],
    ['by number', noCaller, ['--user', `${NOBODY}`]],
    ['by two numbers', noCaller, ['--user', `${NOBODY}:${NOBODY}`]],
    ['by the environment', [...noCaller, 'GOR_LISTEN_USER=nobody'], []],
    ['for who called sudo', [...noCaller, `SUDO_UID=${NOBODY}`, `SUDO_GID=${NOBODY}`], []],
    ['for who called doas', [...noCaller, 'DOAS_USER=nobody'], []],
    ['--user goes before sudo', [...noCaller, 'SUDO_UID=1', 'SUDO_GID=1'], ['--user', 'nobody']],
  ])('%s', async ([, by, flags], context) => {
    needsRoot(context);
    const { ledger, stderr } = await captured((own) => listenBy(by, ...own, ...flags), asNobody);
    expect(stderr).toMatch(/rights {6}root only until .*gave up root: runs as nobody \(uid 65534\)\n.*ready: /s);
    expect(ledger.frames.kernelDrops).toBe(0); // asked of the kernel after the change
  });

  test('with no more than a container of deploy/ has', async (context) => {
    needsRoot(context);
    needs(context, 'setpriv');
    const container = ['setpriv', '--bounding-set=-all,+net_raw,+setuid,+setgid', '--inh-caps=-all', '--no-new-privs'];
    await captured((own) => listenBy([...container, ...noCaller], ...own, '--user', 'nobody'), asNobody);
  });

  test('with the engine cap', async (context) => {
    needsRoot(context);
    context.skip(!(await isThere('cap')), 'the engine cap does not load here');
    const flags = ['--user', 'nobody', '--engine', 'cap', '-i', 'lo'];
    await captured((own) => listenBy(noCaller, ...own, ...flags), asNobody);
  });

  test('a user without an account, with nobody else\u2019s groups', async (context) => {
    needsRoot(context);
    const expected = { ...asNobody, Uid: four(54_321), Gid: four(54_322), Groups: '54322' };
    const { stderr } = await captured((own) => listenBy(noCaller, ...own, '--user', '54321:54322'), expected);
    expect(stderr).toContain('gave up root: runs as uid 54321\n');
  });

  test('a program in a folder that the user cannot enter needs nothing from there any more', async (context) => {
    needsRoot(context);
    needs(context, 'unshare', 'mount');
    context.skip(spawnSync('unshare', ['-m', 'true']).status !== 0, 'mounts of one\u2019s own cannot be made here');
    chmodSync(folder, 0o700);
    const script = `cd "$0" && mkdir -p repository && mount --bind "$1" repository && shift && exec "$@"`;
    const bin = join(folder, 'repository', relative(root, programPath('gor-listen')));
    const start = (own: string[]) => {
      const listen = [process.execPath, bin, ...own, '--user', 'nobody', '--verbose'];
      return new Program('gor-listen', ['-m', 'sh', '-c', script, folder, root, ...listen], 'unshare');
    };
    const { stderr } = await captured(start, asNobody);
    expect(stderr).not.toMatch(/EACCES|cannot find/i);
  });

  test('the real sudo: for who called it', async (context) => {
    needsRoot(context);
    needs(context, 'sudo', 'unshare', 'setpriv');
    const rule = 'nobody ALL=(root) NOPASSWD: ALL';
    // A rule for this mount namespace only.
    const script = `mount -t tmpfs -o mode=755 none /etc/sudoers.d && echo '${rule}' > /etc/sudoers.d/gor && exec "$@"`;
    const own = ['-m', 'sh', '-c', script, 'sh'];
    const asUser = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', 'sudo', '-n'];
    context.skip(spawnSync('unshare', [...own, ...asUser, 'true']).status !== 0, 'sudo does not work here');
    const start = (flags: string[]) => listenBy(['unshare', ...own, ...asUser], ...flags);
    const { stderr } = await captured(start, asNobody, ({ pid }) => lastChildOf(pid));
    expect(stderr).toContain('those of nobody (uid 65534), who called sudo');
  });

  test('a capture file: opened by root, read as the user', async (context) => {
    needsRoot(context);
    const file = join(folder, 'curl.pcap');
    copyFileSync(join(root, 'test/captures/curl-get-post.pcap'), file);
    const { code, stdout, stderr } = await runToEnd('gor-listen', [
      '--pcap',
      file,
      '-p',
      'any',
      '--print',
      '--user',
      'nobody',
    ]);
    expect(stderr).toContain('gave up root: runs as nobody');
    expect(stdout.split('\n').length).toBeGreaterThan(1);
    expect(code).toBe(0);
  });
});

test('what root opened stays out of reach of the user’s other processes', async (context) => {
  needsRoot(context);
  needs(context, 'setpriv', 'sh');
  const listen = listenBy(noCaller, '-p', '9', '--print', '--user', 'nobody');
  await listen.ready(/ready: watching/);
  const reacher = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', 'sh', '-c'];
  const reach = `ls -l /proc/${listen.pid}/fd/; kill -USR1 ${listen.pid} && echo signalled`;
  const { stdout, stderr } = spawnSync(reacher[0]!, [...reacher.slice(1), reach], { encoding: 'utf8' });
  await listen.stop();
  expect(stdout).toBe('signalled\n');
  expect(stderr).toMatch(/denied/);
  expect(listen.stderr).not.toMatch(/debugger/i);
});

test('an interface that goes down and comes back after root is gone is captured on again', async (context) => {
  needsRoot(context);
  needs(context, 'ip');
  const space = `gor-priv-${process.pid}`;
  context.skip(spawnSync('ip', ['netns', 'add', space]).status !== 0, 'network namespaces cannot be made here');
  try {
    const within = ['ip', 'netns', 'exec', space];
    const link = (state: string) => execFileSync('ip', ['-n', space, 'link', 'set', 'lo', state]);
    const ask = () =>
      execFileSync('ip', [...within.slice(1), process.execPath, '-e', oneRequest], { encoding: 'utf8' });
    link('up');
    const ownLedger = ledgerFlags();
    const flags = ['-i', 'lo', '-p', '8090', '--print', '--user', 'nobody', ...ownLedger];
    const listen = listenBy([...within, ...noCaller], ...flags);
    await listen.ready(/ready: watching/);
    expect(ask()).toBe('ok');
    link('down');
    await listen.ready(/the interface lo is down/);
    link('up');
    expect(ask()).toBe('ok');
    await listen.stop();
    expectListenBalance(ledgerOf(ownLedger));
    expect(ledgerOf(ownLedger)).toMatchObject({ captured: 2, sent: 2, frames: { interfaceDowns: 1, kernelDrops: 0 } });
  } finally {
    execFileSync('ip', ['netns', 'del', space]);
  }
});

describe.concurrent('root is kept', () => {
  test.for<[sentence: string, by: readonly string[], flags: readonly string[], plan: string]>([
    ['where nobody says whom to become', noCaller, [], 'root, kept to the end; --user NAME'],
    ['where root called sudo', [...noCaller, 'SUDO_UID=0', 'SUDO_GID=0'], [], 'root, kept to the end; --user NAME'],
    ['where --user says so', [...noCaller, `SUDO_UID=${NOBODY}`], ['--user', 'root'], 'root, kept as --user says'],
  ])('%s', async ([, by, flags, plan], context) => {
    needsRoot(context);
    const listen = listenBy(by, '-p', '9', '--print', ...flags);
    await listen.ready(/ready: watching/);
    expect(rightsOf(listen.pid)).toMatchObject([{ Uid: four(0) }]);
    await listen.stop();
    expect(listen.stderr).toContain(`  rights      ${plan}`);
    expect(listen.stderr).not.toContain('gave up');
  });
});

test('CAP_NET_RAW alone captures, and says nothing of root', async (context) => {
  needsRoot(context);
  needs(context, 'setpriv');
  const raw = ['--inh-caps=-all,+net_raw', '--ambient-caps=-all,+net_raw', '--bounding-set=-all,+net_raw'];
  const nobody = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--no-new-privs'];
  const netRaw = '0000000000002000';
  const expected = { ...asNobody, Groups: '', CapPrm: netRaw, CapEff: netRaw, CapAmb: netRaw };
  chmodSync(folder, 0o777); // it opens its ledger itself
  const start = (own: string[]) => listenBy(['setpriv', ...nobody, ...raw, ...noCaller], ...own, '--user', 'nobody');
  const { stderr } = await captured(start, expected);
  expect(stderr).not.toMatch(/root|rights/);
});

describe.concurrent('what cannot be is said in a line, before anything is captured', () => {
  const asUser = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', ...noCaller];
  test.for<[sentence: string, by: readonly string[], flags: readonly string[], code: number, line: RegExp]>([
    ['a user that there is not', noCaller, ['--user', 'nosuch'], 2, /--user: there is no user nosuch\n/],
    ['a uid without an account', noCaller, ['--user', '54321'], 2, /there is no user with uid 54321; uid:gid needs/],
    ['a name with a group', noCaller, ['--user', 'nobody:nogroup'], 2, /neither a user's name nor a uid nor uid:gid/],
    ['another user than the one that runs', asUser, ['--user', 'daemon'], 77, /only root can .* runs as nobody/],
    [
      'a root that may not change its user',
      ['setpriv', '--bounding-set=-setuid,-setgid', ...noCaller],
      ['--user', 'nobody'],
      77,
      /Becoming nobody is not permitted .*CAP_SETUID/,
    ],
    [
      'a root that keeps its capabilities',
      ['setpriv', '--securebits=+no_setuid_fixup', ...noCaller],
      ['--user', 'nobody'],
      1,
      /Root could not be given up: /,
    ],
    [
      'a Node that may work behind the back of setuid',
      [...noCaller, 'UV_USE_IO_URING=1'],
      ['--user', 'nobody'],
      1,
      /Take UV_USE_IO_URING out of the environment/,
    ],
    [
      'neither root nor CAP_NET_RAW',
      asUser,
      [],
      77,
      /not permitted .*sudo; a systemd unit with AmbientCapabilities=CAP_NET_RAW, as in deploy\/; a container with NET_RAW/,
    ],
  ])('%s', async ([, [command = '', ...args], flags, code, line], context) => {
    needsRoot(context);
    needs(context, 'setpriv');
    const listen = [process.execPath, programPath('gor-listen'), '-p', '9', '--print', ...flags];
    const { status, stderr } = await ended(command, [...args, ...listen]);
    expect(stderr).toMatch(line);
    expect(stderr).not.toMatch(/setcap|gave up|ready:|^\s+at /m);
    expect(status).toBe(code);
  });
});

function needsRoot(context: TestContext): void {
  context.skip(process.getuid?.() !== 0, 'giving up root needs root');
  needs(context, 'capture');
}

async function isThere(engine: string): Promise<boolean> {
  return import(`${root}/packages/capture/node_modules/${engine}/lib/Cap.js`).then(
    () => true,
    () => false,
  );
}

/** Runs a command to its end. */
function ended(command: string, args: readonly string[]): Promise<{ status: unknown; stderr: string }> {
  return new Promise((resolve) => {
    execFile(command, args, { encoding: 'utf8', timeout: 20_000 }, (error, _, stderr) => {
      resolve({ status: error === null ? 0 : error.code, stderr });
    });
  });
}

/** The process at the end of the chain that this one began, as sudo and the like make them. */
function lastChildOf(pid: number): number {
  const child = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ')[0] ?? '';
  return child === '' ? pid : lastChildOf(Number(child));
}
