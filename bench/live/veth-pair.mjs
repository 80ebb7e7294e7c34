// Two network namespaces joined by a veth pair: frames sent in one come in at the other and go nowhere from there. What is in
// them is the bench's; they end with it.
import { execFileSync } from 'node:child_process';

const environment = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
/** @type {Set<VethPair>} */
const pairs = new Set();
let count = 0;
process.on('exit', () => removePairs());

/** The pair. `sender` and `receiver` are the namespaces' names, `from` and `to` those of the interfaces in them. */
export class VethPair {
  /** @type {string} */
  sender;
  /** @type {string} */
  receiver;
  /** @type {string} */
  from;
  /** @type {string} */
  to;

  /** Throws where this user or this machine cannot. */
  constructor() {
    const suffix = `${process.pid}-${count++}`;
    [this.sender, this.receiver] = [`gor-bench-s${suffix}`, `gor-bench-r${suffix}`];
    [this.from, this.to] = [`gs${suffix}`, `gr${suffix}`];
    pairs.add(this);
    for (const name of [this.sender, this.receiver]) ip('netns', 'add', name);
    const [from, to] = ['02:00:00:00:00:01', '02:00:00:00:00:02']; // as in the frames that are sent
    ip(
      '-n',
      this.sender,
      'link',
      'add',
      this.from,
      'address',
      from,
      'type',
      'veth',
      'peer',
      'name',
      this.to,
      'address',
      to,
    );
    ip('-n', this.sender, 'link', 'set', this.to, 'netns', this.receiver);
    for (const [namespace, name] of [
      [this.sender, this.from],
      [this.receiver, this.to],
      [this.receiver, 'lo'],
    ]) {
      ip('-n', namespace ?? '', 'link', 'set', name ?? '', 'up');
    }
  }

  /** With a namespace its end of the link goes, and with that the other one. */
  remove() {
    pairs.delete(this);
    for (const name of [this.sender, this.receiver]) {
      try {
        ip('netns', 'delete', name);
      } catch {
        // It was never made.
      }
    }
  }
}

/** Removes all pairs that are left. */
export function removePairs() {
  for (const pair of pairs) pair.remove();
}

/** @param {readonly string[]} args */
function ip(...args) {
  execFileSync('ip', args, { env: environment, stdio: 'pipe' });
}
