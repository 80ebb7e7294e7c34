// From frames to whole requests and responses: decoder, assembler and a reader for each connection, put together.
import {
  type Connection,
  type ConnectionHandlers,
  FrameDecoder,
  LoadShedder,
  type Segment,
  TcpAssembler,
  tcpFlags,
} from '@gor/capture';
import { HttpConnection, MemoryBudget, roleOf } from '@gor/http';
import type { ListenConfig } from './options.ts';
import type { CapturedRequest, CapturedResponse } from './stages.ts';

/** A file holds no traffic up: a retransmission may come as late as senders ever repeat. */
const FILE_HOLE_TIMEOUT_MS = 30_000;

/** What the reader tells. */
export interface TrafficHandlers {
  /** A whole request; its bytes are valid only until this returns. */
  readonly onRequest: (captured: CapturedRequest) => void;
  /** A request that was begun and will not be whole, or cannot be read. */
  readonly onReject: (reason: string) => void;
  /** A whole response; its bytes are valid only until this returns. Without it no body of a response is kept. */
  readonly onResponse?: ((captured: CapturedResponse) => void) | undefined;
  /** A connection that carries something else than HTTP/1.x. */
  readonly onOtherProtocol: (connection: Connection, protocol: string) => void;
  /** The client's stream of a connection is over. */
  readonly onConnectionEnd: (connection: Connection, timestampUs: number) => void;
}

/** What was read of the servers' streams, of connections that have ended. */
export interface ResponseCounts {
  /** Responses begun: `seen = whole + Σ dropped`. */
  readonly seen: number;
  readonly whole: number;
  readonly dropped: Readonly<Record<string, number>>;
  /** Of the whole ones, those of which it is not known which request they answer. */
  readonly unpaired: number;
  /** Bytes that belong to no response. */
  readonly skippedBytes: number;
}

/** Reads requests and responses of all wanted connections. */
export class TrafficReader {
  readonly decoder: FrameDecoder;
  readonly assembler: TcpAssembler;
  readonly shedder: LoadShedder;
  readonly #config: ListenConfig;
  readonly #handlers: TrafficHandlers;
  readonly #budget = new MemoryBudget();
  readonly #responseBudget = new MemoryBudget();
  readonly #otherProtocols: Record<string, number> = {};
  readonly #opaque: Record<string, number> = {};
  readonly #responses = { seen: 0, whole: 0, dropped: {} as Record<string, number>, unpaired: 0, skippedBytes: 0 };
  /** Whether connections are being ended because they are shed: what is unfinished then is nobody else's fault. */
  #isShedding = false;
  #otherDirection = 0;
  #skippedBytes = 0;

  /** `salt`: a random integer, by which it is chosen which connections are shed first. */
  constructor(config: ListenConfig, handlers: TrafficHandlers, salt = 0) {
    this.#config = config;
    this.#handlers = handlers;
    const ports = config.ports === 'any' ? {} : { ports: config.ports };
    const serverPorts = config.ports === 'any' ? {} : { serverPorts: config.ports };
    this.assembler = new TcpAssembler({
      ...serverPorts,
      roleOf,
      onConnection: (connection) => this.#open(connection),
      limits: config.source.kind === 'file' ? { holeTimeoutMs: FILE_HOLE_TIMEOUT_MS } : {},
    });
    this.shedder = new LoadShedder({ salt });
    this.decoder = new FrameDecoder({
      ...ports,
      onSegment: (segment) => {
        if (!this.shedder.sheds(segment) && !this.#leavesOut(segment)) this.assembler.push(segment);
      },
    });
  }

  /** Connections left alone because their requests go the other way. */
  get otherDirection(): number {
    return this.#otherDirection;
  }

  /** Connections that carry something else than HTTP/1.x, by what their first bytes looked like. */
  get otherProtocols(): Readonly<Record<string, number>> {
    return { ...this.#otherProtocols };
  }

  /** Connections that went on as something else after a CONNECT or an Upgrade. */
  get opaque(): Readonly<Record<string, number>> {
    return { ...this.#opaque };
  }

  /** Bytes of ended client streams that belong to no request. */
  get skippedBytes(): number {
    return this.#skippedBytes;
  }

  /** A copy of the counts as they stand. */
  get responses(): ResponseCounts {
    return { ...this.#responses, dropped: { ...this.#responses.dropped } };
  }

  /** Moves time on where no frames come; `nowUs` is on the clock of the frames, in integer microseconds. */
  advance(nowUs: number): void {
    this.decoder.advance(nowUs);
    this.assembler.advance(nowUs);
  }

  /** Sheds this share of the connections from now on, see LoadShedder: those of them that are open end at once. */
  shed(share: number): void {
    const shareBefore = this.shedder.share;
    this.shedder.share = share;
    if (this.shedder.share <= shareBefore) return;
    this.#isShedding = true;
    try {
      this.assembler.shed((flow) => this.shedder.picks(flow));
    } finally {
      this.#isShedding = false;
    }
  }

  /**
   * A connection that was shed is taken again where a request begins, at the first byte of a segment: in the middle of a
   * body, what reads like a request would be told as one.
   */
  #leavesOut(segment: Segment): boolean {
    if (!this.shedder.picked(segment.flow)) return false;
    if ((segment.flags & tcpFlags.syn) !== 0 || this.assembler.follows(segment.flow)) return false;
    if (roleOf(segment.bytes.subarray(segment.payloadStart, segment.payloadEnd)) === 'client') return false;
    this.shedder.leaveOut(segment);
    return true;
  }

  /** Ends all that is unfinished. */
  close(): void {
    this.decoder.close();
    this.assembler.close();
  }

  #open(connection: Connection): ConnectionHandlers | undefined {
    if (!this.#wants(connection)) {
      this.#otherDirection += 1;
      return undefined;
    }
    const { onRequest, onReject, onResponse, onOtherProtocol, onConnectionEnd } = this.#handlers;
    const http = new HttpConnection({
      maxBodyBytes: this.#config.maxBodyBytes,
      isClientCaptured: connection.rolesFrom === 'syn',
      budget: this.#budget,
      responseBudget: this.#responseBudget,
      onRequest: (request) => onRequest({ request, connection }),
      onReject: ({ reason }) => onReject(this.#nameOf(reason)),
      onResponse: onResponse && ((response) => onResponse({ response, connection })),
      onOpaque: (tunnel) => addTo(this.#opaque, tunnel),
      onOtherProtocol: (protocol) => {
        addTo(this.#otherProtocols, protocol);
        onOtherProtocol(connection, protocol);
      },
      onClientEnd: (timestampUs) => {
        this.#skippedBytes += http.requestCounters.skippedBytes;
        onConnectionEnd(connection, timestampUs);
      },
      onServerEnd: () => {
        if (http.hasServer) this.#countResponses(http.responseCounters);
      },
    });
    return http;
  }

  /** A direction that cannot be told counts as wanted: better one request too many than one lost unseen. */
  #wants(connection: Connection): boolean {
    const { direction } = this.#config;
    return direction === 'both' || connection.direction === 'unknown' || connection.direction === direction;
  }

  #countResponses({ begun, responses, unpaired, rejected, skippedBytes }: HttpConnection['responseCounters']): void {
    this.#responses.seen += begun;
    this.#responses.whole += responses;
    this.#responses.unpaired += unpaired;
    this.#responses.skippedBytes += skippedBytes;
    for (const [reason, count] of Object.entries(rejected)) {
      if (count > 0) addTo(this.#responses.dropped, this.#nameOf(reason), count);
    }
  }

  #nameOf(reason: string): string {
    return this.#isShedding && reason === 'unfinished' ? 'shed' : reason;
  }
}

function addTo(counts: Record<string, number>, name: string, count = 1): void {
  counts[name] = (counts[name] ?? 0) + count;
}
