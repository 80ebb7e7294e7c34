// Stands in for the spreading sender of @gor/wire until that is there: the first server only, nothing sealed.
import { openUdpSender, type UdpSender, type UdpSenderOptions, type WireRecord } from '@gor/wire';

/** As @gor/wire will have it. */
export type SpreadEvent =
  | {
      readonly type: 'receiver';
      readonly state: 'receiving' | 'silent';
      readonly address: string;
      readonly port: number;
    }
  | { readonly type: 'send-error'; readonly code: string; readonly count: number }
  | { readonly type: 'readdressed'; readonly address: string; readonly port: number }
  | { readonly type: 'spread'; readonly from: number; readonly to: 'others' | 'itself' };

/** As @gor/wire will have it. */
export type SpreadOptions = Pick<UdpSenderOptions, 'totals' | 'maxDatagramBytes'> & {
  readonly servers: readonly { readonly host: string; readonly port: number }[];
  readonly key?: Uint8Array;
  readonly resendBytes?: number;
  readonly onEvent: (event: SpreadEvent, server: number) => void;
};

/** As @gor/wire will have it. */
export type SenderLike = Omit<UdpSender, 'counters'> & {
  readonly state: 'unknown' | 'receiving' | 'silent';
  counters: () => ReturnType<UdpSender['counters']> & {
    readonly receiver: {
      readonly state: string;
      readonly id: string | null;
      readonly received: number;
      readonly lost: number;
    };
  };
};

/** As @gor/wire will have it. */
export interface SpreadSender {
  readonly senders: readonly SenderLike[];
  readonly send: (record: WireRecord) => ReturnType<UdpSender['send']>;
  readonly movedRecords: number;
  readonly waitingBytes: number;
  readonly drain: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** As @gor/wire will have it. */
export async function openSpreadSender(options: SpreadOptions): Promise<SpreadSender> {
  const { servers, onEvent, totals, maxDatagramBytes } = options;
  let state: SenderLike['state'] = 'unknown';
  const sender = await openUdpSender({
    ...servers[0]!,
    totals,
    ...(maxDatagramBytes === undefined ? {} : { maxDatagramBytes }),
    onEvent: (event) => {
      if (event.type === 'send-error') return onEvent(event, 0);
      state = event.type === 'reachable' ? 'receiving' : 'silent';
      onEvent({ ...event, type: 'receiver', state }, 0);
    },
  });
  const counters = () => ({ ...sender.counters(), receiver: { state, id: null, received: 0, lost: 0 } });
  const like = { ...sender, session: sender.session, remote: sender.remote, counters };
  Object.defineProperty(like, 'state', { get: () => state });
  return {
    senders: [like as unknown as SenderLike],
    send: (record) => sender.send(record),
    movedRecords: 0,
    get waitingBytes() {
      return sender.counters().waitingBytes;
    },
    drain: () => sender.drain(),
    close: () => sender.close(),
  };
}
