// From frames to whole requests: decoder, assembler and a parser for each client's stream, put together.
import { type Connection, type ConnectionHandlers, FrameDecoder, type StreamHandler, TcpAssembler } from '@gor/capture';
import { MemoryBudget, RequestParser, roleOf } from '@gor/http';
import type { ListenConfig } from './options.ts';
import type { CapturedRequest } from './stages.ts';

/** A file holds no traffic up: a retransmission may come as late as senders ever repeat. */
const FILE_HOLE_TIMEOUT_MS = 30_000;

/** What the reader tells. */
export interface RequestReaderHandlers {
  /** A whole request; its bytes are valid only until this returns. */
  readonly onRequest: (captured: CapturedRequest) => void;
  /** A request that was begun and will not be whole, or cannot be read. */
  readonly onReject: (reason: string) => void;
  /** The client's stream of a connection is over. */
  readonly onConnectionEnd: (connection: Connection, timestampUs: number) => void;
}

/** Reads the requests of all wanted connections. */
export class RequestReader {
  readonly decoder: FrameDecoder;
  readonly assembler: TcpAssembler;
  readonly #config: ListenConfig;
  readonly #handlers: RequestReaderHandlers;
  readonly #budget = new MemoryBudget();
  readonly #otherProtocols: Record<string, number> = {};
  readonly #opaque: Record<string, number> = {};
  #otherDirection = 0;
  #skippedBytes = 0;

  constructor(config: ListenConfig, handlers: RequestReaderHandlers) {
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
    this.decoder = new FrameDecoder({ ...ports, onSegment: (segment) => this.assembler.push(segment) });
  }

  /** Connections left alone because their requests go the other way. */
  get otherDirection(): number {
    return this.#otherDirection;
  }

  /** Connections whose first bytes were no request, by what they looked like. */
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

  #open(connection: Connection): ConnectionHandlers | undefined {
    if (!this.#wants(connection)) {
      this.#otherDirection += 1;
      return undefined;
    }
    return { client: this.#clientHandler(connection) };
  }

  /** A direction that cannot be told counts as wanted: better one request too many than one lost unseen. */
  #wants(connection: Connection): boolean {
    const { direction } = this.#config;
    return direction === 'both' || connection.direction === 'unknown' || connection.direction === direction;
  }

  #clientHandler(connection: Connection): StreamHandler {
    const parser = new RequestParser({
      maxBodyBytes: this.#config.maxBodyBytes,
      budget: this.#budget,
      onRequest: (request) => this.#handlers.onRequest({ request, connection }),
      onReject: ({ reason }) => this.#handlers.onReject(reason),
      onOtherProtocol: (protocol) => addTo(this.#otherProtocols, protocol),
      onOpaque: (after) => addTo(this.#opaque, after),
    });
    return {
      start: (at) => {
        if (at === 'midstream') parser.startMidstream();
      },
      data: (bytes, timestampUs) => parser.push(bytes, timestampUs),
      gap: (length, timestampUs) => parser.gap(length, timestampUs),
      end: (_, timestampUs) => {
        parser.end(timestampUs);
        this.#skippedBytes += parser.counters.skippedBytes;
        this.#handlers.onConnectionEnd(connection, timestampUs);
      },
    };
  }
}

function addTo(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
