// Owner of all connections and of the limits over them: segments in any order in, the streams of each connection out.
// Time is what the segments and advance say; there is no timer.

import {
  type AssemblerCounters,
  copyAssemblerCounters,
  newAssemblerCounters,
  type PayloadDrop,
} from './assembler-counters.ts';
import type { Connection, ConnectionHandlers, EndReason } from './connection.ts';
import { ConnectionList } from './connection-list.ts';
import { resolveTcpLimits, type TcpLimits } from './options.ts';
import { PacketClock } from './packet-clock.ts';
import type { Segment } from './segment.ts';
import { tcpFlags } from './tcp.ts';
import { type ConnectionState, type RoleHints, TcpConnection } from './tcp-connection.ts';
import type { TcpStream } from './tcp-stream.ts';
import { WaitingStreams } from './waiting-streams.ts';

/** How often holes and silent connections are looked at, in packet time. */
const sweepIntervalUs = 10_000;

/** Options of a {@link TcpAssembler}. */
export interface TcpAssemblerOptions {
  /** Called at the first data of a connection: who handles its streams; undefined where nobody wants it. Must not throw. */
  readonly onConnection: (connection: Connection) => ConnectionHandlers | undefined;
  /**
   * Where no handshake was seen: whether the sender of these first bytes (valid only until this returns) is the client
   * or the server; undefined where they do not tell. Must not throw.
   */
  readonly roleOf?: ((firstPayload: Uint8Array) => 'client' | 'server' | undefined) | undefined;
  /** Ports of servers, where neither handshake nor content tell. Default: the lower port is the server's. */
  readonly serverPorts?: ReadonlySet<number> | readonly number[] | undefined;
  readonly limits?: Partial<TcpLimits> | undefined;
}

/** Puts the segments of both directions in order, and tells of each connection's streams. */
export class TcpAssembler {
  readonly #onConnection: (connection: Connection) => ConnectionHandlers | undefined;
  readonly #hints: RoleHints;
  readonly #limits: TcpLimits;
  readonly #counters = newAssemblerCounters();

  /** Each connection twice: under the keys of both its flows. */
  readonly #byFlow = new Map<string, TcpConnection>();
  readonly #lists: Readonly<Record<ConnectionState, ConnectionList>> = {
    'half-open': new ConnectionList(),
    open: new ConnectionList(),
    'half-closed': new ConnectionList(),
    ended: new ConnectionList(),
  };
  readonly #waiting = new WaitingStreams();
  /** Connections that saw a RST, the one silent for longest first. */
  readonly #resetting = new Set<TcpConnection>();
  readonly #clock = new PacketClock();
  #lastSweepUs = 0;
  #isClosed = false;

  constructor({ onConnection, roleOf, serverPorts, limits }: TcpAssemblerOptions) {
    this.#onConnection = onConnection;
    this.#hints = { roleOf, serverPorts: serverPorts && new Set(serverPorts) };
    this.#limits = resolveTcpLimits(limits);
  }

  /** Takes one segment; handlers are called before it returns. */
  push(segment: Segment): void {
    const length = segment.payloadEnd - segment.payloadStart;
    this.#counters.segments++;
    this.#counters.payloadBytes += length;
    if (this.#isClosed) return this.#drop('after-end', length);
    this.#sweepIfDue(segment.timestampUs);

    const connection = this.#connectionOf(segment, length + segment.missing);
    if (connection === undefined) return this.#drop('reset-text', length);
    if (connection.state === 'ended') return this.#drop('after-end', length);
    this.#take(connection, segment, length);
  }

  /**
   * Moves time on where no segments come: gives up holes, ends silent connections. `nowUs` is on the clock of the
   * segments' timestamps, in integer microseconds. May be called at any time, and as often as wanted.
   */
  advance(nowUs: number): void {
    if (!this.#isClosed) this.#sweep(nowUs);
  }

  /**
   * Ends at once, with the reason `shed`, every connection of which one of the flows is picked; what is held of it is
   * dropped. What is captured of them later on starts midstream; nothing is told twice while they are remembered (maxEnded).
   */
  shed(picks: (flow: string) => boolean): void {
    for (const list of [this.#lists['half-open'], this.#lists['half-closed'], this.#lists.open]) {
      for (let next = list.first; next !== undefined; ) {
        const connection = next;
        next = next.following;
        // One that saw a RST ends by that, and is not to be blamed on anything else.
        if (!connection.isReset && picks(connection.flow)) this.#end(connection, 'shed', connection.lastSeenUs);
      }
    }
  }

  /** Whether a connection, by the key of either of its flows, is under way: half-open, or told of and not ended. */
  follows(flow: string): boolean {
    const state = this.#byFlow.get(flow)?.state;
    return state !== undefined && state !== 'ended';
  }

  /** Ends every stream with the reason `closed`; what is held is delivered before. A second call does nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const list of [this.#lists['half-closed'], this.#lists.open]) {
      for (let next = list.first; next !== undefined; next = list.first) this.#end(next, 'closed', next.lastSeenUs);
    }
    this.#byFlow.clear();
    this.#waiting.clear();
    this.#resetting.clear();
  }

  /** A copy of the counters as they stand. */
  counters(): Readonly<AssemblerCounters> {
    const counters = copyAssemblerCounters(this.#counters);
    counters.connectionsOpen = this.#openCount();
    counters.halfOpen = this.#isClosed ? 0 : this.#lists['half-open'].size;
    counters.endedRemembered = this.#isClosed ? 0 : this.#lists.ended.size;
    return counters;
  }

  #take(connection: TcpConnection, segment: Segment, length: number): void {
    const { flags, timestampUs } = segment;
    connection.lastSeenUs = timestampUs;
    connection.silentSinceUs = this.#clock.follow(timestampUs);
    if ((flags & tcpFlags.syn) !== 0) connection.noteHandshake(segment);
    if ((flags & tcpFlags.ack) !== 0) connection.oppositeOf(segment).acknowledge(segment.acknowledgment, timestampUs);
    if ((flags & tcpFlags.rst) !== 0) {
      this.#drop('reset-text', length);
      if (connection.acceptsReset(segment)) this.#noteReset(connection);
      return;
    }
    const stream = connection.streamOf(segment);
    const isData = length + segment.missing > 0;
    if (connection.state === 'half-open' && isData) {
      // A keep-alive probe before the first byte is no data.
      if (connection.isBeforeStart(segment)) return this.#drop('before-start', length);
      this.#announce(connection, segment);
      if (this.#isClosed) return this.#drop('after-end', length);
    }
    if (isData || ((flags & tcpFlags.fin) !== 0 && !connection.isBeforeHandshake(segment))) stream.push(segment);
    this.#waiting.track(stream);
    this.#boundHeld(timestampUs);
    this.#settle(connection, stream, timestampUs);
  }

  /** Ends the connection or puts it where it stands now. */
  #settle(connection: TcpConnection, changed: TcpStream, nowUs: number): void {
    if (connection.isReset && connection.state !== 'ended') this.#noteReset(connection);
    if (connection.hasEnded) this.#end(connection, 'fin', nowUs);
    else if (connection.state === 'open' && changed.endReason !== undefined) this.#move(connection, 'half-closed');
    else if (connection.state !== 'half-open') this.#lists[connection.state].touch(connection);
    // Where none is allowed, a half-open one has made way for itself.
    else if (this.#byFlow.get(connection.flow) === connection) this.#lists['half-open'].touch(connection);
  }

  /** The connection of a segment; undefined where there is none and the segment begins none. */
  #connectionOf(segment: Segment, payloadLength: number): TcpConnection | undefined {
    const known = this.#byFlow.get(segment.flow);
    if (known !== undefined) {
      if (!known.isFollowedBy(segment, payloadLength)) return known;
      if (known.state !== 'ended') this.#end(known, 'reused', segment.timestampUs);
      this.#forget(known);
    }
    if ((segment.flags & tcpFlags.rst) !== 0) return undefined;
    if (payloadLength === 0 && (segment.flags & tcpFlags.syn) === 0) return undefined;
    const connection = new TcpConnection(segment, this.#limits, this.#counters);
    if (known !== undefined && (segment.flags & tcpFlags.syn) === 0) connection.resume(known);
    this.#byFlow.set(connection.flow, connection);
    this.#byFlow.set(connection.reverse, connection);
    this.#lists[connection.state].append(connection);
    this.#boundHalfOpen(connection, payloadLength);
    return connection;
  }

  #boundHalfOpen(newest: TcpConnection, payloadLength: number): void {
    const list = this.#lists['half-open'];
    const oldest = list.first;
    if (list.size <= this.#limits.maxHalfOpen || oldest === undefined) return;
    // A connection that begins with data does not stay half-open, so it need not make way.
    if (oldest === newest && payloadLength > 0) return;
    this.#counters.halfOpenEvicted++;
    this.#forget(oldest);
  }

  #announce(connection: TcpConnection, firstData: Segment): void {
    const id = ++this.#counters.connections;
    const description = connection.describe(id, firstData, this.#hints);
    this.#move(connection, 'open');
    const handlers = this.#onConnection(description);
    const startWaits = description.rolesFrom !== 'content';
    connection.clientStream.attach(handlers?.client, false, startWaits, firstData.timestampUs);
    connection.serverStream.attach(handlers?.server, true, startWaits, firstData.timestampUs);
    if (this.#openCount() > this.#limits.maxConnections) {
      const silent = this.#lists['half-closed'].first ?? this.#lists.open.first;
      if (silent !== undefined) this.#end(silent, 'evicted', firstData.timestampUs);
    }
  }

  /** Ends an announced connection and remembers it; a half-open one is forgotten, nobody heard of it. */
  #end(connection: TcpConnection, reason: EndReason, nowUs: number): void {
    if (connection.state === 'half-open') return this.#forget(connection);
    if (connection.state === 'ended') return;
    this.#move(connection, 'ended');
    connection.silentSinceUs = this.#clock.nowUs;
    const why = connection.isReset ? 'reset' : reason;
    this.#counters.connectionsEnded[why]++;
    this.#resetting.delete(connection);
    connection.end(why, nowUs);
    this.#waiting.remove(connection.forward);
    this.#waiting.remove(connection.backward);
    const ended = this.#lists.ended;
    if (ended.size > this.#limits.maxEnded && ended.first !== undefined) this.#forget(ended.first);
  }

  #move(connection: TcpConnection, state: ConnectionState): void {
    this.#lists[connection.state].remove(connection);
    connection.state = state;
    this.#lists[state].append(connection);
  }

  #openCount(): number {
    return this.#lists.open.size + this.#lists['half-closed'].size;
  }

  #forget(connection: TcpConnection): void {
    if (this.#byFlow.get(connection.flow) !== connection) return;
    this.#byFlow.delete(connection.flow);
    this.#byFlow.delete(connection.reverse);
    this.#waiting.remove(connection.forward);
    this.#waiting.remove(connection.backward);
    this.#resetting.delete(connection);
    this.#lists[connection.state].remove(connection);
  }

  /** A RST ends the connection after a while of silence: in a capture it may have overtaken data, or be nobody's. */
  #noteReset(connection: TcpConnection): void {
    connection.isReset = true;
    this.#resetting.delete(connection);
    this.#resetting.add(connection);
  }

  /** Keeps what all streams hold together within the limits, at the cost of the oldest holes, a server's before a client's. */
  #boundHeld(nowUs: number): void {
    const counters = this.#counters;
    const { maxHeldBytes, maxHeldSegments } = this.#limits;
    while (counters.heldAllocatedBytes > maxHeldBytes || counters.heldSegments > maxHeldSegments) {
      const stream = this.#waiting.first;
      if (stream === undefined) return;
      stream.giveUpHole('limit', nowUs);
      this.#waiting.track(stream);
    }
  }

  #sweepIfDue(nowUs: number): void {
    // Far behind where the clock was set back, or a file holds several captures.
    if (Math.abs(nowUs - this.#lastSweepUs) >= sweepIntervalUs) this.#sweep(nowUs);
  }

  #sweep(nowUs: number): void {
    const passedUs = Math.abs(nowUs - this.#lastSweepUs);
    this.#lastSweepUs = nowUs;
    this.#waiting.expire(nowUs, passedUs);
    const clockUs = this.#clock.follow(nowUs);
    const { idleTimeoutMs, halfClosedTimeoutMs, endedMemoryMs, resetLingerMs } = this.#limits;
    for (const connection of this.#resetting) {
      if (clockUs - connection.silentSinceUs < resetLingerMs * 1000) break;
      this.#end(connection, 'reset', nowUs);
    }
    this.#endSilent('half-open', clockUs - idleTimeoutMs * 1000, nowUs);
    this.#endSilent('open', clockUs - idleTimeoutMs * 1000, nowUs);
    this.#endSilent('half-closed', clockUs - halfClosedTimeoutMs * 1000, nowUs);
    this.#endSilent('ended', clockUs - endedMemoryMs * 1000, nowUs);
  }

  #endSilent(state: ConnectionState, untilUs: number, nowUs: number): void {
    const list = this.#lists[state];
    for (let next = list.first; next !== undefined; next = list.first) {
      if (next.silentSinceUs > untilUs) return;
      if (state === 'ended') this.#forget(next);
      else this.#end(next, 'idle', nowUs);
    }
  }

  #drop(reason: PayloadDrop, length: number): void {
    this.#counters.droppedBytes[reason] += length;
  }
}
