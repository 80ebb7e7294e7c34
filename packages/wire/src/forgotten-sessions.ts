// How far sessions were that made room for others. Totals of a sealed one still name this receiver, so a recording of it
// would be believed, and a plaintext one would begin anew: it goes on behind what was seen, or not at all. docs/wire-protocol.md, "Limits".

/** The first datagram that a session is taken up with again, and its first number. */
export interface TakenUpFrom {
  readonly sequence: number;
  readonly number: number;
}

/** Sessions remembered; the one forgotten the longest ago goes. */
const MAX_REMEMBERED = 65_536;

/** Owner of what is left of forgotten sessions: an id and two numbers each. */
export class ForgottenSessions {
  readonly #sessions = new Map<string, TakenUpFrom>();

  /** Notes where a session is taken up again; never lower than it was noted before. */
  remember(id: string, { sequence, number }: TakenUpFrom): void {
    const known = this.#sessions.get(id) ?? { sequence: 0, number: 0 };
    this.#sessions.delete(id);
    this.#sessions.set(id, { sequence: Math.max(sequence, known.sequence), number: Math.max(number, known.number) });
    if (this.#sessions.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#sessions.keys()) {
      this.#sessions.delete(oldest);
      return;
    }
  }

  /** From where on a session of that id is taken up; undefined where none is remembered. */
  of(id: string): TakenUpFrom | undefined {
    return this.#sessions.get(id);
  }
}
