// Stands in for the receiver of @gor/wire until it has keys: readable datagrams of everybody.
import * as wire from '@gor/wire';

/** As @gor/wire will have it. */
export type UnopenedReason = 'sealed' | 'not-sealed' | 'unknown-key' | 'forged';

/** As @gor/wire will have it. */
export type ReceiverEvent =
  | { readonly type: 'socket-error'; readonly code: string }
  | {
      readonly type: 'unopened';
      readonly reason: UnopenedReason;
      readonly address: string;
      readonly port: number;
      readonly datagrams: number;
    };

/** As @gor/wire will have it. */
export type SessionLedger = wire.SessionLedger & { readonly repaired: number };

/** As @gor/wire will have it. */
export type ReceiverLedger = Omit<wire.ReceiverLedger, 'sessions'> & { readonly sessions: readonly SessionLedger[] };

/** As @gor/wire will have it. */
export type UdpReceiver = Omit<wire.UdpReceiver, 'ledger'> & {
  readonly ledger: () => ReceiverLedger;
  readonly askedBufferBytes: number;
  readonly setKeys: (keys: readonly Uint8Array[]) => void;
};

/** As @gor/wire will have it. */
export type Options = Omit<wire.UdpReceiverOptions, 'onEvent'> & {
  readonly keys?: readonly Uint8Array[];
  readonly from?: readonly string[];
  readonly backlog?: () => number;
  readonly onEvent?: (event: ReceiverEvent) => void;
};

/** As @gor/wire will have it. */
export async function openUdpReceiver(options: Options): Promise<UdpReceiver> {
  const receiver = await wire.openUdpReceiver(options);
  return {
    address: receiver.address,
    port: receiver.port,
    receiveBufferBytes: receiver.receiveBufferBytes,
    askedBufferBytes: receiver.receiveBufferBytes,
    setKeys: () => {},
    ledger: () => {
      const ledger = receiver.ledger();
      return { ...ledger, sessions: ledger.sessions.map((session) => ({ ...session, repaired: 0 })) };
    },
    close: () => receiver.close(),
    [Symbol.asyncDispose]: () => receiver.close(),
  };
}
