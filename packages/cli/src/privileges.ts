// Whom a program that was started as root becomes once everything is open, and whether anything of root is left then.
// Pure: facts about the process in, decisions out; privileges-of-process.ts asks the system, and acts.
// Sources: credentials(7), capabilities(7), proc_pid_status(5), sudo(8), doas(1).
import { PrivilegesError } from './privileges-error.ts';
import { UsageError } from './usage-error.ts';

/** The system's own sign for "no user" is 2^32 - 1. */
const LARGEST_ID = 2 ** 32 - 2;

/** A user as somebody names one: by name, by number, or by the numbers of user and group, which need no account. */
export type User = { readonly name: string } | { readonly uid: number; readonly gid: number | undefined };

/** A user as the system knows one. */
export interface Account {
  /** Undefined where the system has no account for the number. */
  readonly name: string | undefined;
  readonly uid: number;
  readonly gid: number;
}

/** Who a process runs as, and what its environment says of who started it. */
export interface ProcessFacts {
  /** Undefined where the system has no such numbers (Windows). */
  readonly ids: { readonly uid: number; readonly euid: number; readonly gid: number } | undefined;
  /** The name for `euid`; undefined where there is none. */
  readonly name: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What to do: keep the user that runs, or become another, as a flag or whoever called sudo or doas wants it. */
export type PrivilegePlan =
  | { readonly kind: 'keep'; readonly why: 'not-root' | 'root-asked-for' | 'nobody-to-become' }
  | { readonly kind: 'become'; readonly user: User; readonly saidBy: '--user' | 'SUDO_UID' | 'DOAS_USER' };

/** What a process has after it changed its user. */
export interface IdentityFacts {
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  readonly groups: readonly number[];
  /** For each thread the text of its /proc/PID/task/TID/status; none where the system has no such files. */
  readonly threads: readonly string[];
  /** The calls by which it got root back. */
  readonly regained: readonly string[];
}

/** A name, a uid, or `uid:gid`. Throws UsageError that begins with `flag`. */
export function parseUser(flag: string, text: string): User {
  const [, uidText, gidText] = /^(\d+)(?::(\d+))?$/.exec(text) ?? [];
  if (uidText === undefined) {
    if (/^[^-+:][^:\p{Cc}]*$/u.test(text)) return { name: text };
    throw new UsageError(`${flag}: "${text}" is neither a user's name nor a uid nor uid:gid`);
  }
  const [uid, gid] = [Number(uidText), gidText === undefined ? undefined : Number(gidText)];
  if (uid > LARGEST_ID || (gid ?? 0) > LARGEST_ID)
    throw new UsageError(`${flag}: "${text}" is over the largest number, ${LARGEST_ID}`);
  if (uid === 0 && (gid ?? 0) !== 0) throw new UsageError(`${flag}: "${text}" would stay root; to keep root say root`);
  return { uid, gid };
}

/**
 * The user of the flag goes first; without one, whoever called sudo, then whoever called doas. Throws PrivilegesError
 * `no-permission` where the process is not root and the flag names somebody else than runs it, UsageError where the
 * system has no users.
 */
export function planPrivileges(user: User | undefined, { ids, name, environment }: ProcessFacts): PrivilegePlan {
  if (ids === undefined) {
    if (user === undefined) return { kind: 'keep', why: 'not-root' };
    throw new UsageError('--user: this system has no user to change to');
  }
  if (ids.uid !== 0 && ids.euid !== 0) {
    if (user === undefined || isSame(user, ids, name)) return { kind: 'keep', why: 'not-root' };
    throw new PrivilegesError(
      'no-permission',
      `--user ${userText(user)}: only root can become another user, and this runs as ${userText({ name, ...ids })}; start it as root, or leave --user out`,
    );
  }
  if (user !== undefined) return become(user, '--user', 'root-asked-for');
  const caller = idOf(environment['SUDO_UID']);
  if (caller !== undefined)
    return become({ uid: caller, gid: idOf(environment['SUDO_GID']) }, 'SUDO_UID', 'nobody-to-become');
  const doasUser = environment['DOAS_USER'] ?? '';
  if (doasUser !== '') return become({ name: doasUser }, 'DOAS_USER', 'nobody-to-become');
  return { kind: 'keep', why: 'nobody-to-become' };
}

/** What of root, or of any other user than the account, is left, in words; undefined where nothing is. */
export function rootLeft(account: Account, facts: IdentityFacts): string | undefined {
  const [regained] = facts.regained;
  if (regained !== undefined) return `${regained} gives root back`;
  if (facts.uids.some((uid) => uid !== account.uid)) return `the uids are ${facts.uids.join(', ')}`;
  if (facts.gids.some((gid) => gid !== account.gid)) return `the gids are ${facts.gids.join(', ')}`;
  if (account.name === undefined && facts.groups.some((group) => group !== account.gid))
    return `the groups are ${facts.groups.join(', ')}`;
  for (const status of facts.threads) {
    const left = leftInThread(account, facts.groups, status);
    if (left !== undefined) return `a thread has ${left}`;
  }
  return undefined;
}

/** `ann (uid 1000)`; `uid 1000` where there is no name. */
export function userText(user: User | { readonly name: string | undefined; readonly uid: number }): string {
  const name = 'name' in user ? user.name : undefined;
  if (!('uid' in user)) return user.name;
  return name === undefined ? `uid ${user.uid}` : `${name} (uid ${user.uid})`;
}

function become(
  user: User,
  saidBy: Extract<PrivilegePlan, { kind: 'become' }>['saidBy'],
  whyRoot: Extract<PrivilegePlan, { kind: 'keep' }>['why'],
): PrivilegePlan {
  const isRoot = 'uid' in user ? user.uid === 0 : user.name === 'root';
  return isRoot ? { kind: 'keep', why: whyRoot } : { kind: 'become', user, saidBy };
}

function isSame(user: User, ids: NonNullable<ProcessFacts['ids']>, name: string | undefined): boolean {
  if ('name' in user) return user.name === name;
  return user.uid === ids.uid && user.uid === ids.euid && (user.gid ?? ids.gid) === ids.gid;
}

/** What is no such number counts as not said. */
function idOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) && Number(text) <= LARGEST_ID ? Number(text) : undefined;
}

function leftInThread(account: Account, groups: readonly number[], status: string): string | undefined {
  for (const [field, expected] of [
    ['Uid', [account.uid]],
    ['Gid', [account.gid]],
    ['Groups', groups],
  ] as const) {
    const ids = fieldOf(status, field).split(/\s+/).filter(Boolean).map(Number);
    if (ids.some((id) => !expected.includes(id))) return `${field} ${ids.join(', ')}`;
  }
  for (const field of ['CapPrm', 'CapEff', 'CapAmb']) {
    const capabilities = fieldOf(status, field);
    if (/[^0]/.test(capabilities)) return `${field} ${capabilities}`;
  }
  return undefined;
}

function fieldOf(status: string, field: string): string {
  return new RegExp(`^${field}:[ \t]*(.*)$`, 'm').exec(status)?.[1]?.trim() ?? '';
}
