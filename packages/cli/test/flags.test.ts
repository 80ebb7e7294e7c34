import { describe, expect, test } from 'vitest';
import { type FlagValues, type Program, readFlags, UsageError } from '../src/index.ts';

const program: Program = {
  name: 'gor-test',
  version: '1.2.3',
  summary: 'Tests flags.',
  environmentPrefix: 'GOR_TEST',
  flags: [
    { name: 'ip', kind: 'value', defaultText: '0.0.0.0', description: 'Address' },
    { name: 'port', letter: 'p', kind: 'value', defaultText: '28020', description: 'Port' },
    { name: 'max-body', kind: 'value', description: 'Longest body' },
    { name: 'verbose', kind: 'switch', description: 'Say more' },
    { name: 'no-mark', kind: 'switch', description: 'No mark' },
  ],
  examples: [['gor-test -p 1', 'one']],
};

async function read(argv: string[], environment: Record<string, string> = {}): Promise<FlagValues> {
  const result = await readFlags(program, argv, environment);
  if ('show' in result) throw new Error('help or version was not asked for');
  return result;
}

describe('a value', () => {
  test.each<[string, string[], Record<string, string>, string, string | undefined]>([
    ['is its default where nothing is given', [], {}, 'port', '28020'],
    ['comes after a letter', ['-p', '80'], {}, 'port', '80'],
    ['comes right behind a letter', ['-p80'], {}, 'port', '80'],
    ['comes after two dashes', ['--port', '80'], {}, 'port', '80'],
    ['comes after an equals sign', ['--port=80'], {}, 'port', '80'],
    ['comes after one dash and several letters, as in the first Gor', ['-ip', '::1'], {}, 'ip', '::1'],
    ['comes after one dash, several letters and an equals sign', ['-ip=::1'], {}, 'ip', '::1'],
    ['stays text', ['-p', '0x10'], {}, 'port', '0x10'],
    ['comes from the environment', [], { GOR_TEST_MAX_BODY: '1mb' }, 'max-body', '1mb'],
    ['comes from the command line before the environment', ['-p', '1'], { GOR_TEST_PORT: '2' }, 'port', '1'],
    ['is undefined where it has no default', [], {}, 'max-body', undefined],
  ])('%s', async (_, argv, environment, name, expected) => {
    expect((await read(argv, environment)).text(name)).toBe(expected);
  });
});

describe('a switch', () => {
  test.each<[string, string[], Record<string, string>, string, boolean]>([
    ['is off', [], {}, 'verbose', false],
    ['is on with two dashes', ['--verbose'], {}, 'verbose', true],
    ['is on with one dash', ['-verbose'], {}, 'verbose', true],
    ['may begin with no-', ['--no-mark'], {}, 'no-mark', true],
    ['is on by the environment', [], { GOR_TEST_VERBOSE: '1' }, 'verbose', true],
    ['is off by the environment', [], { GOR_TEST_VERBOSE: 'false' }, 'verbose', false],
  ])('%s', async (_, argv, environment, name, expected) => {
    expect((await read(argv, environment)).on(name)).toBe(expected);
  });
});

describe('refused', () => {
  test.each<[string, string[], Record<string, string>, string]>([
    ['an unknown flag, with the nearest named', ['--prot', '80'], {}, 'unknown flag --prot; did you mean --port?'],
    ['an unknown flag far from all', ['--zebra-crossing'], {}, 'unknown flag --zebra-crossing'],
    ['an unknown flag with one dash', ['-verbsoe'], {}, 'unknown flag -verbsoe; did you mean --verbose?'],
    ['an unknown letter', ['-x'], {}, 'unknown flag -x'],
    ['a value twice', ['-p', '1', '-p', '2'], {}, '--port is given 2 times'],
    ['a flag without its value', ['-p'], {}, '--port needs a value: Port'],
    ['a word that belongs to no flag', ['80'], {}, '"80" belongs to no flag'],
    [
      'an unknown variable',
      [],
      { GOR_TEST_PROT: '1' },
      'GOR_TEST_PROT is no flag of this program; did you mean GOR_TEST_PORT?',
    ],
    [
      'a switch in the environment that is neither on nor off',
      [],
      { GOR_TEST_VERBOSE: 'maybe' },
      'GOR_TEST_VERBOSE: "maybe"',
    ],
    [
      'a switch with a value that is neither on nor off',
      ['--verbose=maybe'],
      {},
      '--verbose: "maybe" is neither 1 nor 0',
    ],
    ['an empty value', ['--port='], {}, '--port has an empty value'],
  ])('%s', async (_, argv, environment, message) => {
    await expect(read(argv, environment)).rejects.toThrow(UsageError);
    await expect(read(argv, environment)).rejects.toThrow(message);
  });
});

test('what Kubernetes sets for a Service of the same name is left alone', async () => {
  const links = { GOR_TEST_SERVICE_HOST: '10.0.0.1', GOR_TEST_SERVICE_PORT: '80', GOR_TEST_PORT: 'tcp://10.0.0.1:80' };
  const more = {
    GOR_TEST_SERVICE_PORT_HTTP: '80',
    GOR_TEST_PORT_80_TCP: 'tcp://10.0.0.1:80',
    GOR_TEST_PORT_80_TCP_ADDR: '10.0.0.1',
  };
  expect((await read([], { ...links, ...more })).text('port')).toBe('28020');
});

test('other variables of the environment are not looked at', async () => {
  expect((await read([], { GOR_OTHER: 'x', GOR_TESTING: 'y' })).text('port')).toBe('28020');
});

test('help names every flag and its default, in English whatever LANG says', async () => {
  const help = await readFlags(program, ['-h'], { LANG: 'de_DE.UTF-8' });
  const text = 'show' in help ? help.show : '';
  for (const flag of program.flags) expect(text).toContain(`--${flag.name}`);
  expect(text).toContain('28020');
  expect(text).toContain('Options:');
});

test('version is shown', async () => {
  expect(await readFlags(program, ['--version'], {})).toEqual({ show: '1.2.3' });
});
