// The examples in deploy/ start: every command line and every variable in them goes through the programs' own flags, the
// units name the exit codes that there are, and systemd, where it is installed, knows every setting.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { commonFlags, exitCodes, readCommonOptions, readFlags, variableOf } from '@gor/cli';
import { listenProgram } from 'gor-listen';
import { replayProgram } from 'gor-replay';
import { describe, expect, test } from 'vitest';
import { isInstalled } from './kit/rights.ts';

const DEPLOY = resolve(import.meta.dirname, '../deploy');
const PROGRAMS = { listen: listenProgram('gor-listen'), replay: replayProgram('gor-replay') };
const LISTENER_CAPABILITIES = ['NET_RAW', 'SETUID', 'SETGID'];
type Name = keyof typeof PROGRAMS;

const files = readdirSync(DEPLOY);
const units = files.filter((file) => file.endsWith('.service'));
const text = (file: string): string => readFileSync(join(DEPLOY, file), 'utf8');

/** What the program makes of a command line and an environment; throws as it would refuse them. */
async function configured(name: Name, argv: readonly string[], environment: Readonly<Record<string, string>>) {
  const program = PROGRAMS[name];
  const values = await readFlags({ ...program, flags: [...program.flags, ...commonFlags] }, argv, environment);
  if ('show' in values) throw new Error(values.show);
  return { ...readCommonOptions(values), ...program.configure(values) };
}

/** Every `GOR_LISTEN_NAME=value` of a unit, a list of variables or a page, those included that are commented out. */
function variablesIn(file: string): [Name, string, string][] {
  const found = text(file).matchAll(/\bGOR_(LISTEN|REPLAY)_([A-Z_]+)(?:=|: |, value: )([^\s}]+)/g);
  return [...found].map(([, program, flag, value]) => [
    program === 'LISTEN' ? 'listen' : 'replay',
    `GOR_${program}_${flag}`,
    value!,
  ]);
}

test('every variable anywhere is one of a flag', () => {
  for (const file of files) {
    for (const [variable, program] of text(file).matchAll(/\bGOR_(LISTEN|REPLAY)_[A-Z_]*[A-Z]\b/g)) {
      const { flags, environmentPrefix } = PROGRAMS[program === 'LISTEN' ? 'listen' : 'replay'];
      const known = [...flags, ...commonFlags].map(({ name }) => variableOf(environmentPrefix, name));
      expect(known, `${variable} in ${file}`).toContain(variable);
    }
  }
});

describe('every value of a variable is taken', () => {
  const given = files.flatMap((file) => variablesIn(file).map((found) => [file, ...found] as const));
  test.each(given)('%s: gor-%s with %s=%s', async (_, name, variable, value) => {
    expect(await configured(name, [], { [variable]: value })).toBeDefined();
  });
  test('there are some', () => {
    expect(new Set(given.map(([file]) => file)).size).toBeGreaterThanOrEqual(6);
  });
});

describe('every command line is taken', () => {
  const arrays = ['compose.yaml', 'daemonset.yaml'].flatMap((file) =>
    [...text(file).matchAll(/(?:command|args): (\[.*\])/g)].map(([, json]) => JSON.parse(json!) as string[]),
  );
  // With its continued lines: the words behind the program's name.
  const lines = [
    ...text('README.md')
      .replaceAll(/\\\n\s*/g, '')
      .matchAll(/^ {4}.*\bgor[ -](listen|replay) (-.*)$/gm),
  ];
  const inPage = lines.map(([, name, words]) => [name!, ...words!.trim().split(/\s+/)]);
  test.each([...arrays, ...inPage])('gor %s %s %s %s %s', async (...words) => {
    const [name, ...argv] = words.flat();
    const config = await configured(name as Name, argv, {});
    if (name === 'listen') expect(config).toMatchObject({ replay: [{ host: 'replay.server.local' }] });
    else expect(config).toHaveProperty('targets');
  });
  test('there are some', () => {
    expect(arrays).toHaveLength(3);
    expect(inPage).toHaveLength(2);
  });
});

describe.each(units)('%s', (unit) => {
  const name: Name = unit.includes('listen') ? 'listen' : 'replay';
  const setting = (key: string): string[] =>
    [...text(unit).matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value!);

  test('reads the variables that stand beside it, and starts the program', () => {
    expect(setting('EnvironmentFile')).toEqual([`-/etc/gor/${name}.env`]);
    expect(text(`${name}.env`)).toContain(`/etc/gor/${name}.env`);
    expect(setting('ExecStart')).toEqual([`/usr/bin/env gor-${name}`]);
  });

  test('keeps its ledger where it may write', () => {
    const [, , ledger] = variablesIn(unit).find(([, variable]) => variable.endsWith('_LEDGER'))!;
    expect(setting('StateDirectory')).toEqual([`gor-${name}`]);
    expect(ledger).toBe(`/var/lib/gor-${name}/ledger.json`);
    const paths = variablesIn(`${name}.env`).filter(
      ([, variable, value]) => value.startsWith('/') && !variable.endsWith('_KEY_FILE'),
    );
    for (const [, , path] of paths) expect(path).toMatch(new RegExp(`^/var/lib/gor-${name}/`));
  });

  test('gets its key from systemd, out of a file that is root’s alone', () => {
    const [, , key] = variablesIn(unit).find(([, variable]) => variable.endsWith('_KEY_FILE'))!;
    const [credential, file] = setting('LoadCredential')[0]!.split(':');
    expect(key).toBe(`%d/${credential}`);
    expect(text('README.md')).toContain(`(umask 077; npx gor key > ${file})`);
    expect(setting('ExecReload')).toEqual(name === 'replay' ? ['/bin/kill -HUP $MAINPID'] : []);
  });

  test('has the one right that it needs, or none', () => {
    const right = name === 'listen' ? 'CAP_NET_RAW' : '';
    expect(setting('AmbientCapabilities')).toEqual([right]);
    expect(setting('CapabilityBoundingSet')).toEqual([right]);
    expect(setting('RestrictAddressFamilies').join().includes('AF_PACKET')).toBe(name === 'listen');
    expect(setting('DynamicUser')).toEqual(['yes']);
  });

  test('is not started again where that would be the same', () => {
    const { usage, noEngine, noPermission } = exitCodes;
    const codes = name === 'listen' ? [usage, noEngine, noPermission] : [usage, noPermission];
    expect(setting('RestartPreventExitStatus')).toEqual([codes.join(' ')]);
  });

  test('systemd knows every setting', (context) => {
    context.skip(!isInstalled('systemd-analyze'), 'systemd-analyze is not installed');
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', join(DEPLOY, unit)], {
      encoding: 'utf8',
    });
    const lines = stderr.split('\n').filter((line) => line.includes(unit));
    expect(lines).toEqual([]);
    expect(status).toBe(0);
  });
});

test.each(['compose.yaml', 'daemonset.yaml'])(
  '%s gives the listener what it takes to open the ring and give root up',
  (file) => {
    const added = [...text(file).matchAll(/(?:cap_add|add): (\[[^\]]*\])/g)].map(
      ([, json]) => JSON.parse(json!) as string[],
    );
    expect(added).toEqual([LISTENER_CAPABILITIES]);
    expect(text(file)).toContain('"--user", "node"');
  },
);

test('containers get their key as a secret', () => {
  const [of] = [...text('compose.yaml').matchAll(/^ {2}(\S+):\n {4}file: \/etc\/gor\/(\S+)$/gm)];
  const paths = variablesIn('compose.yaml').filter(([, variable]) => variable.endsWith('_KEY_FILE'));
  expect(paths.map(([, , path]) => path)).toEqual(Array(2).fill(`/run/secrets/${of?.[1]}`));
  expect([...text('compose.yaml').matchAll(/^ {4}secrets: (.*)$/gm)].map(([, names]) => names)).toEqual(
    Array(2).fill(`["${of?.[1]}"]`),
  );
  const [, mount] = /name: key, mountPath: (\S+),/.exec(text('daemonset.yaml')) ?? [];
  const [, , path] = variablesIn('daemonset.yaml').find(([, variable]) => variable.endsWith('_KEY_FILE'))!;
  expect(path).toBe(`${mount}/gor.key`);
  expect(text('daemonset.yaml')).toContain('defaultMode: 0400');
});

test('the README shows every file, and no other', () => {
  const shown = [...text('README.md').matchAll(/\]\(([\w.-]+)\)/g)].map(([, file]) => file!);
  expect([...new Set(shown)].sort()).toEqual(files.filter((file) => file !== 'README.md').sort());
  for (const [, link] of text('README.md').matchAll(/\]\((\.\.[\w./-]+)/g))
    expect(existsSync(join(DEPLOY, link!))).toBe(true);
});

test('nowhere is the shared node given a capability', () => {
  for (const file of files) expect(text(file)).not.toContain('setcap');
});
