// Which of several servers a connection goes to: rendezvous hashing (Thaler and Ravishankar 1998). Each server's hash with
// the connection is its rank, the highest wins; so only the connections of a server that is away go elsewhere.

/** Says apart from other choices by connection, so that what one leaves out is not all of one server's. */
const SALT = 0x5e_4d_a7_01;

/** A fixed list of servers, and which of them are away. */
export class Rendezvous {
  readonly #hashes: readonly number[];
  readonly #isAway: boolean[];
  #awayCount = 0;

  /** `names`: told apart by these, so that their order does not matter; throws a TypeError where none is given, or one twice. */
  constructor(names: readonly string[]) {
    if (names.length === 0) throw new TypeError('servers must name at least one server');
    const twice = names.find((name, at) => names.indexOf(name) !== at);
    if (twice !== undefined) throw new TypeError(`servers must not name ${twice} twice`);
    this.#hashes = names.map(hashOf);
    this.#isAway = names.map(() => false);
  }

  /** Notes that a server is away, or back; true where this is news. */
  setAway(server: number, isAway: boolean): boolean {
    if (this.#isAway[server] === isAway) return false;
    this.#isAway[server] = isAway;
    this.#awayCount += isAway ? 1 : -1;
    return true;
  }

  /** Whether any server is away. */
  get isAnyAway(): boolean {
    return this.#awayCount > 0;
  }

  /** Whether a server's connections go to others: it is away, and not all are. */
  isLeft(server: number): boolean {
    return this.#awayCount < this.#hashes.length && this.#isAway[server]!;
  }

  /** Whether all servers are away. */
  get areAllAway(): boolean {
    return this.#awayCount === this.#hashes.length;
  }

  /** The index of the server that a connection goes to when all are there. `connection`: 0 to 2^53 - 1. */
  first(connection: number): number {
    return this.#highest(connection, false);
  }

  /** The index of the server that a connection goes to now; where all are away, as if none were. */
  present(connection: number): number {
    return this.#highest(connection, this.#awayCount > 0 && this.#awayCount < this.#hashes.length);
  }

  #highest(connection: number, withoutAway: boolean): number {
    const low = mixed(connection ^ SALT);
    const key = mixed(low ^ Math.floor(connection / 0x1_0000_0000));
    let highest = -1;
    let winner = 0;
    for (let server = 0; server < this.#hashes.length; server++) {
      if (withoutAway && this.#isAway[server]) continue;
      const rank = mixed(key ^ this.#hashes[server]!) >>> 0;
      if (rank <= highest) continue;
      highest = rank;
      winner = server;
    }
    return winner;
  }
}

/** FNV-1a over the characters, mixed. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return mixed(hash);
}

/** The finalizer of MurmurHash3, 32 bits: every bit of the input changes every bit of the result. */
function mixed(value: number): number {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
