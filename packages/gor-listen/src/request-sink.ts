// Where captured requests go: over the wire to a replay server, or nowhere but to whoever shows them.
import type { Connection } from '@gor/capture';
import { formatHostPort, type HostPort } from '@gor/cli';
import { openUdpSender, type SenderTotals, type UdpSender } from '@gor/wire';
import type { CapturedRequest } from './stages.ts';

/** Of the sender's queue: far below its limit, so that what one piece of a file holds always fits. */
const PAUSE_ABOVE_BYTES = 1024 * 1024;

/** The end of the listener's way. */
export interface RequestSink {
  /** Takes the request, or names the reason why not. The bytes are copied before it returns. */
  readonly take: (captured: CapturedRequest) => string | undefined;
  /** No request of this connection, of which at least one was taken, comes any more. */
  readonly endConnection: (connection: Connection, timestampUs: number) => void;
  /** A promise to wait for before more of a file is read. */
  readonly pause: () => Promise<void> | undefined;
  /** Sends what waits; resolves when all has left or was given up. */
  readonly close: () => Promise<void>;
}

/** The sender's news. */
export interface ReplayServerEvents {
  readonly onReachable: (reachable: boolean) => void;
  readonly onSendError: (message: string) => void;
}

/** Sends requests and connection ends as records. */
export class WireSink implements RequestSink {
  readonly sender: UdpSender;

  constructor(sender: UdpSender) {
    this.sender = sender;
  }

  /** Rejects with WireError where the server's name cannot be resolved. */
  static async open(replay: HostPort, totals: () => SenderTotals, events: ReplayServerEvents): Promise<WireSink> {
    const sender = await openUdpSender({
      host: replay.host,
      port: replay.port,
      totals,
      onEvent: (event) => {
        if (event.type === 'send-error') events.onSendError(event.code);
        else if (event.type === 'receiver') events.onReachable(event.state === 'receiving');
      },
    });
    return new WireSink(sender);
  }

  get replayServer(): string {
    return formatHostPort(this.sender.remote.address, this.sender.remote.port);
  }

  readonly take = ({ request, connection }: CapturedRequest): string | undefined =>
    this.sender.send({
      kind: 'request',
      timestampUs: request.firstByteUs,
      connection: connection.id,
      index: request.index,
      payload: request.bytes,
    });

  readonly endConnection = (connection: Connection, timestampUs: number): void => {
    this.sender.send({ kind: 'connection-end', timestampUs, connection: connection.id, index: 0, payload: NOTHING });
  };

  /** A file is read no faster than its requests can leave; a live capture cannot be asked to wait. */
  readonly pause = (): Promise<void> | undefined =>
    this.sender.waitingBytes > PAUSE_ABOVE_BYTES ? this.sender.drain() : undefined;

  readonly close = (): Promise<void> => this.sender.close();
}

/** Takes every request and sends none: for a listener that only shows them. */
export const noSink: RequestSink = {
  take: () => undefined,
  endConnection: () => {},
  pause: () => undefined,
  close: async () => {},
};

const NOTHING = new Uint8Array(0);
