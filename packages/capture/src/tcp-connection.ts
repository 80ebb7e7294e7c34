// Both streams of one connection and what is known about its two ends. Which end is the client is decided when the
// first data comes.

import type { AssemblerCounters } from './assembler-counters.ts';
import type { Connection, EndReason, RolesFrom } from './connection.ts';
import { flowDestination, flowSource, reverseFlow } from './flow.ts';
import type { Direction } from './frame.ts';
import type { TcpLimits } from './options.ts';
import type { Segment } from './segment.ts';
import { sequenceAdd, sequenceDistance } from './sequence.ts';
import { largestWindowBytes, tcpFlags } from './tcp.ts';
import { TcpStream } from './tcp-stream.ts';

/** How the role of an end is told where no handshake was seen. */
export interface RoleHints {
  readonly roleOf: ((firstPayload: Uint8Array) => 'client' | 'server' | undefined) | undefined;
  readonly serverPorts: ReadonlySet<number> | undefined;
}

const pushOrFin = tcpFlags.psh | tcpFlags.fin;

/** `half-open`: no data yet; `open`: announced; `half-closed`: one side closed; `ended`: only remembered. */
export type ConnectionState = 'half-open' | 'open' | 'half-closed' | 'ended';

/** One connection, as the assembler keeps it. `forward` is the flow that was seen first. */
export class TcpConnection {
  /** Neighbours in the one list that the connection stands in, see ConnectionList. */
  previous: TcpConnection | undefined;
  following: TcpConnection | undefined;

  state: ConnectionState = 'half-open';
  /** When its last segment was captured. */
  lastSeenUs: number;
  /** The same by the assembler's own clock, which never goes back. */
  silentSinceUs = 0;
  /** Whether a RST came that may be real. */
  isReset = false;

  readonly flow: string;
  readonly reverse: string;
  readonly forward: TcpStream;
  readonly backward: TcpStream;
  readonly #startedUs: number;
  #clientIsForward: boolean | undefined;
  #rolesFrom: RolesFrom | undefined;
  /** Whether both sides sent a SYN: then no SYN tells the client. */
  #isSimultaneous = false;

  constructor(segment: Segment, limits: TcpLimits, counters: AssemblerCounters) {
    this.flow = segment.flow;
    this.reverse = reverseFlow(segment.flow);
    this.#startedUs = segment.timestampUs;
    this.lastSeenUs = segment.timestampUs;
    this.forward = new TcpStream(limits, counters);
    this.backward = new TcpStream(limits, counters);
  }

  /** The stream that the segment belongs to. */
  streamOf(segment: Segment): TcpStream {
    return segment.flow === this.flow ? this.forward : this.backward;
  }

  /** The stream whose bytes the segment acknowledges. */
  oppositeOf(segment: Segment): TcpStream {
    return segment.flow === this.flow ? this.backward : this.forward;
  }

  get hasEnded(): boolean {
    return this.forward.endReason !== undefined && this.backward.endReason !== undefined;
  }

  /** Takes what a SYN or SYN+ACK tells: who is the client, and where the streams begin. */
  noteHandshake(segment: Segment): void {
    const { flags, sequence, acknowledgment, timestampUs } = segment;
    const isAnswer = (flags & tcpFlags.ack) !== 0;
    const isForward = segment.flow === this.flow;
    const saysForward = isAnswer !== isForward;
    // Both sides sent a SYN (RFC 9293, section 3.5): that does not tell them apart.
    if (!isAnswer && this.#rolesFrom === 'syn' && saysForward !== this.#clientIsForward) this.#forgetRoles();
    else this.#setRoles(saysForward, isAnswer ? 'syn-ack' : 'syn');
    this.streamOf(segment).startAtHandshake(sequenceAdd(sequence, 1), false, timestampUs);
    if (isAnswer) this.oppositeOf(segment).startAtHandshake(acknowledgment, true, timestampUs);
  }

  /**
   * Whether the segment is of another connection with the same addresses and ports: a SYN with another sequence
   * number, the answer to such a SYN, data far from what is expected, or data behind the end.
   */
  isFollowedBy(segment: Segment, payloadLength: number): boolean {
    if ((segment.flags & tcpFlags.syn) !== 0) return !this.#acceptsHandshake(segment);
    if (payloadLength === 0 || (segment.flags & tcpFlags.rst) !== 0) return false;
    const stream = this.streamOf(segment);
    if (!stream.start.isPlaced) return this.state === 'ended';
    const ahead = sequenceDistance(stream.next, segment.sequence);
    if (Math.abs(ahead) > largestWindowBytes) return true;
    if (this.state !== 'ended') return false;
    // The FIN itself takes the first number behind the data.
    return stream.endReason === 'fin' ? ahead > 0 : ahead >= 0;
  }

  /**
   * Whether all payload of a segment stands before the first byte of its stream, of which no data was seen yet. Where
   * nothing tells the start, a keep-alive probe is known by its zero byte that is not pushed.
   */
  isBeforeStart(segment: Segment): boolean {
    const { flags, bytes, payloadStart, payloadEnd, missing } = segment;
    const { start } = this.streamOf(segment);
    if ((flags & tcpFlags.syn) !== 0) return false;
    const length = payloadEnd - payloadStart + missing;
    if (!start.isPlaced) return length === 1 && bytes[payloadStart] === 0 && missing === 0 && (flags & pushOrFin) === 0;
    return sequenceDistance(start.sequence, segment.sequence) + length <= 0;
  }

  /** Whether the sender of a FIN without data is not known to be connected: who waits for a SYN+ACK does not heed it. */
  isBeforeHandshake(segment: Segment): boolean {
    return this.state === 'half-open' && !this.streamOf(segment).start.isPlaced;
  }

  /** Whether a RST may be real, by its number; any other changes nothing at its receiver. */
  acceptsReset(segment: Segment): boolean {
    const stream = this.streamOf(segment);
    if (stream.start.isPlaced) return stream.acceptsReset(segment.sequence);
    // It refuses a SYN, which it acknowledges (RFC 9293, section 3.5.2), or its sender was not captured before.
    if ((segment.flags & tcpFlags.ack) === 0) return true;
    return this.oppositeOf(segment).start.acceptsAnswer(segment.acknowledgment);
  }

  /** Goes on with a connection that was shed: nothing is told twice, and whom a handshake told to be the client still is. */
  resume(before: TcpConnection): void {
    const isSameWay = before.flow === this.flow;
    const [forward, backward] = isSameWay ? [before.forward, before.backward] : [before.backward, before.forward];
    if (forward.endReason !== 'shed' && backward.endReason !== 'shed') return;
    this.forward.start.notBefore = forward.start.isPlaced ? forward.next : forward.start.notBefore;
    this.backward.start.notBefore = backward.start.isPlaced ? backward.next : backward.start.notBefore;
    if (before.#rolesFrom?.startsWith('syn') !== true) return;
    // Not `syn`: of what came since then not everything was captured.
    this.#setRoles(before.#clientIsForward === isSameWay, 'syn-ack');
  }

  /** What onConnection is told, when the first data comes. */
  describe(id: number, firstData: Segment, hints: RoleHints): Connection {
    const isForward = firstData.flow === this.flow;
    if (this.#clientIsForward === undefined) this.#guessRoles(firstData, isForward, hints);
    const clientFlow = this.#clientIsForward ? this.flow : this.reverse;
    return {
      id,
      client: flowSource(clientFlow),
      server: flowDestination(clientFlow),
      rolesFrom: this.#rolesFrom ?? 'port',
      direction: directionOfClient(firstData.direction, isForward === this.#clientIsForward),
      startedUs: this.#startedUs,
    };
  }

  get clientStream(): TcpStream {
    return this.#clientIsForward ? this.forward : this.backward;
  }

  get serverStream(): TcpStream {
    return this.#clientIsForward ? this.backward : this.forward;
  }

  /** Ends both streams, the client's first. */
  end(reason: EndReason, nowUs: number): void {
    this.clientStream.end(reason, nowUs);
    this.serverStream.end(reason, nowUs);
  }

  #acceptsHandshake(segment: Segment): boolean {
    const stream = this.streamOf(segment);
    const isSame = stream.start.acceptsHandshake(sequenceAdd(segment.sequence, 1), stream.isUntouched);
    if ((segment.flags & tcpFlags.ack) === 0) return isSame;
    const { start } = this.oppositeOf(segment);
    // A server with SYN cookies (RFC 4987) answers the same SYN with another number each time, and may do so late.
    const isLateAnswer = start.sequence === segment.acknowledgment && !stream.start.isOpen;
    const isOfSameSyn = start.isPlaced && (stream.isUntouched || isLateAnswer);
    return start.acceptsAnswer(segment.acknowledgment) && (isSame || isOfSameSyn);
  }

  #forgetRoles(): void {
    if (this.state !== 'half-open') return;
    this.#clientIsForward = undefined;
    this.#rolesFrom = undefined;
    this.#isSimultaneous = true;
  }

  #setRoles(clientIsForward: boolean, rolesFrom: RolesFrom): void {
    // A SYN says more than its answer, whichever was captured first.
    if (this.#rolesFrom !== undefined && rolesFrom !== 'syn') return;
    if (this.state !== 'half-open' || (this.#isSimultaneous && rolesFrom.startsWith('syn'))) return;
    this.#clientIsForward = clientIsForward;
    this.#rolesFrom = rolesFrom;
  }

  #guessRoles(firstData: Segment, isForward: boolean, { roleOf, serverPorts }: RoleHints): void {
    const { bytes, payloadStart, payloadEnd, sourcePort, destinationPort } = firstData;
    const role = roleOf?.(bytes.subarray(payloadStart, payloadEnd));
    if (role !== undefined) return this.#setRoles((role === 'client') === isForward, 'content');
    const toServer = serverPorts?.has(destinationPort) ?? false;
    const fromServer = serverPorts?.has(sourcePort) ?? false;
    const isFromClient = toServer === fromServer ? sourcePort >= destinationPort : toServer;
    this.#setRoles(isFromClient === isForward, 'port');
  }
}

/** The direction of a client's segments by that of one segment, its own or its server's. */
function directionOfClient(direction: Direction, isClients: boolean): Connection['direction'] {
  if (direction === 'loopback') return 'in';
  if (direction === 'unknown' || isClients) return direction;
  return direction === 'in' ? 'out' : 'in';
}
