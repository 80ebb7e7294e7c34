// For each connection the datagram that held its last record; the least recently used connection goes first. The order is a
// list through the entries, not that of a Map's keys: deleting and setting a key at each record makes the Map's table anew
// all the time, and V8 keeps every old table until it collects the whole heap.

interface Entry {
  readonly connection: number;
  sequence: number;
  older: Entry | undefined;
  newer: Entry | undefined;
}

/** Owner of what is remembered of the connections of one session. */
export class LastSequences {
  readonly #maxConnections: number;
  readonly #entries = new Map<number, Entry>();
  #oldest: Entry | undefined;
  #newest: Entry | undefined;
  #forgotten = 0;

  constructor(maxConnections: number) {
    this.#maxConnections = maxConnections;
  }

  /** Connections that were forgotten over the limit. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Connections that are remembered. */
  get size(): number {
    return this.#entries.size;
  }

  /** The connection's datagram; 0 where none is known. */
  of(connection: number): number {
    return this.#entries.get(connection)?.sequence ?? 0;
  }

  /** Sets the connection's datagram; returns the one before, 0 where none is known. */
  replace(connection: number, sequence: number): number {
    const known = this.#entries.get(connection);
    if (known !== undefined) {
      const before = known.sequence;
      known.sequence = sequence;
      if (known !== this.#newest) {
        this.#unlink(known);
        this.#append(known);
      }
      return before;
    }
    const entry: Entry = { connection, sequence, older: undefined, newer: undefined };
    this.#entries.set(connection, entry);
    this.#append(entry);
    if (this.#entries.size > this.#maxConnections) this.forgetOldest();
    return 0;
  }

  /** Forgets an ended connection; returns its datagram, 0 where none is known. */
  remove(connection: number): number {
    const known = this.#entries.get(connection);
    if (known === undefined) return 0;
    this.#entries.delete(connection);
    this.#unlink(known);
    return known.sequence;
  }

  /** Forgets the connection that was used the longest ago. */
  forgetOldest(): void {
    if (this.#oldest === undefined) return;
    this.remove(this.#oldest.connection);
    this.#forgotten++;
  }

  #append(entry: Entry): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  #unlink({ older, newer }: Entry): void {
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
  }
}
