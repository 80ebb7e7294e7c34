// Whom a program becomes, and whether root is gone: the decisions, on facts that are given. The change itself needs root
// and a process of its own: test/live/privileges.test.ts.
import { describe, expect, test } from 'vitest';
import { PrivilegesError, parseUser, privilegesOf, UsageError } from '../src/index.ts';
import {
  type Account,
  type IdentityFacts,
  type PrivilegePlan,
  type ProcessFacts,
  planPrivileges,
  rootLeft,
  type User,
  userText,
} from '../src/privileges.ts';

describe('a user as it is typed', () => {
  test.each<[sentence: string, text: string, user: User | string]>([
    ['a name', 'ann', { name: 'ann' }],
    ['a name with what some directories allow', 'EXAMPLE\\ann.b-c@d', { name: 'EXAMPLE\\ann.b-c@d' }],
    ['a name that begins with a digit', '1ann', { name: '1ann' }],
    ['a uid', '1000', { uid: 1000, gid: undefined }],
    ['a uid and a gid', '1000:100', { uid: 1000, gid: 100 }],
    ['root by number', '0', { uid: 0, gid: undefined }],
    ['root by both numbers', '0:0', { uid: 0, gid: 0 }],
    ['the largest numbers', '4294967294:4294967294', { uid: 4_294_967_294, gid: 4_294_967_294 }],
    ['the number that means nobody', '4294967295', 'over the largest'],
    ['a gid that means no group', '1:4294967295', 'over the largest'],
    ['root with another group', '0:100', 'would stay root'],
    ['a name and a group', 'ann:users', 'neither'],
    ['what programs take for an option', '-ann', 'neither'],
    ['what programs take for a number', '+5', 'neither'],
    ['a control character', 'an\nn', 'neither'],
    ['a uid and no gid', '5:', 'neither'],
  ])('%s', (_, text, expected) => {
    if (typeof expected !== 'string') return expect(parseUser('--user', text)).toEqual(expected);
    expect(() => parseUser('--user', text)).toThrow(UsageError);
    expect(() => parseUser('--user', text)).toThrow(expected);
    expect(() => parseUser('--user', text)).toThrow(/^--user: /);
  });
});

describe('whom a process becomes', () => {
  const asRoot: ProcessFacts = { ids: { uid: 0, euid: 0, gid: 0 }, name: 'root', environment: {} };
  const asAnn: ProcessFacts = { ids: { uid: 1000, euid: 1000, gid: 100 }, name: 'ann', environment: {} };
  const bySudo = { SUDO_UID: '1000', SUDO_GID: '100', SUDO_USER: 'ann' };
  const root: PrivilegePlan = { kind: 'keep', why: 'root-asked-for' };
  const nobody: PrivilegePlan = { kind: 'keep', why: 'nobody-to-become' };
  const ann: PrivilegePlan = { kind: 'keep', why: 'not-root' };
  const become = (user: User, saidBy: '--user' | 'SUDO_UID' | 'DOAS_USER'): PrivilegePlan => ({
    ...{ kind: 'become', user, saidBy },
  });
  const caller = { uid: 1000, gid: 100 };
  const withEnvironment = (environment: ProcessFacts['environment'], facts = asRoot) => ({ ...facts, environment });

  test.each<[sentence: string, user: string | undefined, facts: ProcessFacts, plan: PrivilegePlan]>([
    ['root, with nobody named, stays root', undefined, asRoot, nobody],
    ['root becomes whom the flag names', 'bob', asRoot, become({ name: 'bob' }, '--user')],
    ['by number, too', '7:8', asRoot, become({ uid: 7, gid: 8 }, '--user')],
    ['root asked for is root kept', 'root', asRoot, root],
    ['by number, too', '0', asRoot, root],
    ['with sudo: who called it', undefined, withEnvironment(bySudo), become(caller, 'SUDO_UID')],
    ['the flag goes before sudo', 'bob', withEnvironment(bySudo), become({ name: 'bob' }, '--user')],
    ['sudo, and root asked for', 'root', withEnvironment(bySudo), root],
    ['sudo called by root', undefined, withEnvironment({ SUDO_UID: '0', SUDO_GID: '0' }), nobody],
    [
      'sudo called by a user with the group of root',
      undefined,
      withEnvironment({ SUDO_UID: '5', SUDO_GID: '0' }),
      become({ uid: 5, gid: 0 }, 'SUDO_UID'),
    ],
    [
      'a caller without a group: that of the account',
      undefined,
      withEnvironment({ SUDO_UID: '1000' }),
      become({ uid: 1000, gid: undefined }, 'SUDO_UID'),
    ],
    ['a caller that is no number is none', undefined, withEnvironment({ SUDO_UID: 'ann', SUDO_GID: '1' }), nobody],
    ['a caller that is too large is none', undefined, withEnvironment({ SUDO_UID: '4294967295' }), nobody],
    ['an empty caller is none', undefined, withEnvironment({ SUDO_UID: '', DOAS_USER: '' }), nobody],
    [
      'with doas: who called it',
      undefined,
      withEnvironment({ DOAS_USER: 'ann' }),
      become({ name: 'ann' }, 'DOAS_USER'),
    ],
    ['doas called by root', undefined, withEnvironment({ DOAS_USER: 'root' }), nobody],
    ['sudo goes before doas', undefined, withEnvironment({ ...bySudo, DOAS_USER: 'bob' }), become(caller, 'SUDO_UID')],
    ['somebody else than root stays who runs', undefined, asAnn, ann],
    ['sudo to another user than root changes nothing', undefined, withEnvironment({ SUDO_UID: '7' }, asAnn), ann],
    ['the flag may name who runs already', 'ann', asAnn, ann],
    ['by number, too', '1000', asAnn, ann],
    ['by both numbers, too', '1000:100', asAnn, ann],
    [
      'a program that only its file made root is root',
      'bob',
      { ...asAnn, ids: { uid: 1000, euid: 0, gid: 100 } },
      become({ name: 'bob' }, '--user'),
    ],
    ['a system without users has none to change', undefined, { ...asRoot, ids: undefined }, ann],
  ])('%s', (_, user, facts, plan) => {
    expect(planPrivileges(user === undefined ? undefined : parseUser('--user', user), facts)).toEqual(plan);
  });

  test.each([['bob'], ['7'], ['1000:7'], ['root'], ['0']])('who is not root cannot become %s', (text) => {
    const plan = () => planPrivileges(parseUser('--user', text), asAnn);
    expect(plan).toThrow(PrivilegesError);
    expect(plan).toThrow(expect.objectContaining({ code: 'no-permission' }));
    expect(plan).toThrow(/only root can become another user, and this runs as ann \(uid 1000\)/);
  });

  test('a system without users refuses the flag', () => {
    const facts = { ...asRoot, ids: undefined };
    expect(() => planPrivileges({ name: 'ann' }, facts)).toThrow(UsageError);
  });
});

describe('what of root is left', () => {
  const account: Account = { name: 'ann', uid: 1000, gid: 100 };
  const thread = (over: Readonly<Record<string, string>> = {}): string =>
    Object.entries({
      ...{ Name: 'node', Uid: '1000\t1000\t1000\t1000', Gid: '100\t100\t100\t100', Groups: '20 100 ' },
      ...{ CapInh: '0000000000000000', CapPrm: '0000000000000000', CapEff: '0000000000000000' },
      ...{ CapBnd: '000001ffffffffff', CapAmb: '0000000000000000', ...over },
    })
      .map(([field, value]) => `${field}:\t${value}\n`)
      .join('');
  const gone: IdentityFacts = {
    ...{ uids: [1000, 1000], gids: [100, 100], groups: [20, 100], regained: [] },
    threads: [thread(), thread()],
  };

  test.each<[sentence: string, over: Partial<IdentityFacts>, account: Account, left: RegExp | undefined]>([
    ['nothing', {}, account, undefined],
    ['nothing, where threads cannot be looked at', { threads: [] }, account, undefined],
    ['nothing of a thread that has ended', { threads: ['', thread()] }, account, undefined],
    ['the real uid', { uids: [0, 1000] }, account, /uids are 0, 1000/],
    ['the effective gid', { gids: [100, 0] }, account, /gids are 100, 0/],
    ['a way back', { regained: ['setuid(0)'] }, account, /setuid\(0\) gives root back/],
    ['a group, where the user has none but its own', {}, { ...account, name: undefined }, /groups are 20, 100/],
    ['the saved uid of one thread', { threads: [thread(), thread({ Uid: '1000 1000 0 1000' })] }, account, /Uid/],
    ['the gid of one thread', { threads: [thread({ Gid: '0 100 100 100' })] }, account, /Gid 0, 100/],
    ['a group of one thread', { threads: [thread({ Groups: '0 20 100' })] }, account, /Groups 0, 20/],
    ['permitted capabilities', { threads: [thread({ CapPrm: '0000000000002000' })] }, account, /CapPrm 0+2000/],
    ['effective capabilities', { threads: [thread({ CapEff: '0000000000002000' })] }, account, /CapEff/],
    ['ambient capabilities', { threads: [thread({ CapAmb: '0000000000002000' })] }, account, /CapAmb/],
  ])('%s', (_, over, ofAccount, left) => {
    const found = rootLeft(ofAccount, { ...gone, ...over });
    if (left === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(left);
  });
});

test('users in words', () => {
  expect(userText({ name: 'ann' })).toBe('ann');
  expect(userText({ name: 'ann', uid: 1000 })).toBe('ann (uid 1000)');
  expect(userText({ name: undefined, uid: 1000 })).toBe('uid 1000');
  expect(userText({ uid: 7, gid: undefined })).toBe('uid 7');
});

test('a process that keeps its user says nothing and changes nothing', () => {
  const user = process.getuid?.() === 0 ? parseUser('--user', 'root') : undefined;
  const { planText, giveUp } = privilegesOf(process, user);
  expect(planText).toBe(user === undefined ? undefined : 'root, kept as --user says');
  expect(giveUp()).toBeUndefined();
});
