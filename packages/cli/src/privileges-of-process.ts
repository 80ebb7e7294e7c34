// Gives up root for good: looks the user up before anything is open, becomes that user when everything is, and then
// looks whether anything of root is left. Users are looked up by the C library of this process (NSS: files, LDAP, …),
// the same that gives a user its groups; so it takes no program such as `id`, which small images lack.
// Sources: credentials(7), setuid(2), initgroups(3); Node's process.initgroups, setgid, setuid, which change all threads.
import { readdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import {
  type Account,
  type IdentityFacts,
  type PrivilegePlan,
  type ProcessFacts,
  planPrivileges,
  rootLeft,
  type User,
  userText,
} from './privileges.ts';
import { PrivilegesError } from './privileges-error.ts';
import { UsageError } from './usage-error.ts';

const THREADS_FOLDER = '/proc/self/task';

/** What will happen to root. */
export interface Privileges {
  /** A line for the plan; undefined where the process is not root to begin with. */
  readonly planText: string | undefined;
  /**
   * Becomes the user, verifies it, and gives a line that says so; undefined where nothing changes. Call it once, when all
   * that takes rights is open. Throws PrivilegesError; then the process must end, for it may be half of both.
   */
  readonly giveUp: () => string | undefined;
}

type PosixProcess = NodeJS.Process &
  Required<Pick<NodeJS.Process, 'getuid' | 'geteuid' | 'getgid' | 'getegid' | 'getgroups'>> &
  Required<Pick<NodeJS.Process, 'setuid' | 'seteuid' | 'setgid' | 'setgroups'>> & {
    readonly initgroups: (user: string | number, extraGroup: string | number) => void;
  };

/**
 * Decides whom this process becomes: the user of the flag `--user`, else the one who called sudo or doas. Changes
 * nothing yet. Throws UsageError for a user that there is not, PrivilegesError `no-permission` where the process is not
 * root, or a root that may not change its user.
 */
export function privilegesOf(process: NodeJS.Process, user: User | undefined): Privileges {
  const plan = planPrivileges(user, factsOf(process));
  if (plan.kind === 'keep' || !isPosix(process)) return { planText: keptText(plan), giveUp: () => undefined };
  const account = accountOf(process, plan);
  if (account.uid === 0)
    return { planText: keptText({ kind: 'keep', why: 'root-asked-for' }), giveUp: () => undefined };
  const why = plan.saidBy === '--user' ? '' : `, who called ${plan.saidBy === 'SUDO_UID' ? 'sudo' : 'doas'}`;
  return {
    planText: `root only until everything is open, then those of ${userText(account)}${why}`,
    giveUp: () => {
      closeDebugger(process);
      become(process, account);
      return `gave up root: runs as ${userText(account)}`;
    },
  };
}

function keptText(plan: PrivilegePlan): string | undefined {
  if (plan.kind === 'become' || plan.why === 'not-root') return undefined;
  if (plan.why === 'root-asked-for') return 'root, kept as --user says';
  return 'root, kept to the end; --user NAME gives it up once everything is open';
}

function factsOf(process: NodeJS.Process): ProcessFacts {
  const { env: environment } = process;
  if (!isPosix(process)) return { ids: undefined, name: undefined, environment };
  const ids = { uid: process.getuid(), euid: process.geteuid(), gid: process.getgid() };
  return { ids, name: ownAccount()?.name, environment };
}

function isPosix(process: NodeJS.Process): process is PosixProcess {
  return process.getuid !== undefined && 'initgroups' in process;
}

/** The account of the effective user. */
function ownAccount(): Account | undefined {
  try {
    const { username, uid, gid } = userInfo();
    return { name: username, uid, gid };
  } catch {
    return undefined; // the number has no account: ENOENT
  }
}

function accountOf(process: PosixProcess, { user, saidBy }: Extract<PrivilegePlan, { kind: 'become' }>): Account {
  const found = lookUp(process, 'name' in user ? user.name : user.uid);
  if ('uid' in user && user.gid !== undefined) return { name: found?.name, uid: user.uid, gid: user.gid };
  if (found !== undefined) return found;
  if ('name' in user) throw new UsageError(`${saidBy}: there is no user ${user.name}`);
  throw new UsageError(`${saidBy}: there is no user with uid ${user.uid}; uid:gid needs no account`);
}

/**
 * Node tells the account of the effective user only: so this process is that user for a moment. The real user stays
 * root meanwhile, so that nobody else can signal or trace it.
 */
function lookUp(process: PosixProcess, user: string | number): Account | undefined {
  const own = process.geteuid();
  try {
    process.seteuid(user);
  } catch (cause) {
    if (codeOf(cause) === 'ERR_UNKNOWN_CREDENTIAL') return undefined;
    throw changeError(user, cause);
  }
  try {
    return ownAccount();
  } finally {
    process.seteuid(own);
  }
}

/** Else any process of that user could start Node's debugger in here by SIGUSR1, and reach what root opened. */
function closeDebugger(process: NodeJS.Process): void {
  process.on('SIGUSR1', () => {});
}

function become(process: PosixProcess, account: Account): void {
  const { name, uid, gid } = account;
  try {
    if (name === undefined) process.setgroups([gid]);
    else process.initgroups(name, gid);
    process.setgid(gid);
    process.setuid(uid);
  } catch (cause) {
    throw changeError(userText(account), cause);
  }
  const left = rootLeft(account, identityOf(process, gid));
  if (left !== undefined) throw new PrivilegesError('root-kept', `Root could not be given up: ${left}.`);
}

function changeError(user: string | number, cause: unknown): PrivilegesError {
  const code = codeOf(cause);
  const reason = (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, '');
  if (code === 'EPERM')
    return new PrivilegesError(
      'no-permission',
      `Becoming ${user} is not permitted (${reason}): this root lacks the rights CAP_SETUID and CAP_SETGID. Start it as that user with CAP_NET_RAW, or keep this root with --user root.`,
      { cause },
    );
  const hint = code === 'ERR_INVALID_STATE' ? ' Take UV_USE_IO_URING out of the environment.' : '';
  return new PrivilegesError('root-kept', `Becoming ${user} failed: ${reason}.${hint}`, { cause });
}

function identityOf(process: PosixProcess, gid: number): IdentityFacts {
  const attempts: readonly [name: string, attempt: () => void][] = [
    ['setuid(0)', () => process.setuid(0)],
    ['seteuid(0)', () => process.seteuid(0)],
    ['setgroups([0])', () => process.setgroups([0])],
    ...(gid === 0 ? [] : [['setgid(0)', () => process.setgid(0)] as [string, () => void]]),
  ];
  return {
    regained: attempts.filter(([, attempt]) => succeeds(attempt)).map(([name]) => name),
    uids: [process.getuid(), process.geteuid()],
    gids: [process.getgid(), process.getegid()],
    groups: process.getgroups(),
    threads: threadStatuses(),
  };
}

function succeeds(attempt: () => void): boolean {
  try {
    attempt();
    return true;
  } catch {
    return false; // as it should be
  }
}

/** Linux keeps user, groups and capabilities for each thread. No such files: another system, or /proc is not mounted. */
function threadStatuses(): string[] {
  const threads = unlessGone(() => readdirSync(THREADS_FOLDER)) ?? [];
  return threads.map((thread) => unlessGone(() => readFileSync(`${THREADS_FOLDER}/${thread}/status`, 'latin1')) ?? '');
}

/** Threads end at any time. */
function unlessGone<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
