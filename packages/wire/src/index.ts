// @gor/wire: records over UDP, packed, fragmented, numbered, every loss counted. docs/wire-protocol.md is the format.

export { WireDecoder } from './decoder.ts';
export type { DecoderLimits, SessionEndReason, WireDecoderOptions } from './decoder-options.ts';
export type { EncoderCounters, WireEncoderOptions } from './encoder.ts';
export { WireEncoder } from './encoder.ts';
export type { WireErrorCode } from './errors.ts';
export { WireError } from './errors.ts';
export type { FragmentCounters, FragmentEviction, FragmentLimits } from './fragment-table.ts';
export { receiverDefaults, senderDefaults } from './options.ts';
export type { ReceiverNews, ReceiverState } from './reachability.ts';
export type { DatagramReject, ReceiverLedger } from './receiver-ledger.ts';
export type { ReportReject } from './receiver-view.ts';
export type { RecordKind, WireRecord } from './record.ts';
export { encodeRecord } from './record.ts';
export type { DatagramSource } from './reporter.ts';
export type { KeptCounters } from './resend-buffer.ts';
export type { ResentCounters } from './resend-queue.ts';
export type { Sealing, WireKey } from './sealing.ts';
export { KEY_BYTES, wireKey } from './sealing.ts';
export type { SendingCounters, SendingLimits, SendingOptions, SendRefusal } from './sending-options.ts';
export { SendingSession } from './sending-session.ts';
export type { EarlierSessions, SessionLedger } from './session-ledger.ts';
export type { SessionBalance, SessionState, SessionView } from './session-view.ts';
export type { SpreadEvent, SpreadSender, SpreadSenderOptions } from './spread-sender.ts';
export { openSpreadSender } from './spread-sender.ts';
export type {
  RecordReadable,
  RecordReadableCounters,
  RecordReadableOptions,
  RecordWritableOptions,
  StreamRecord,
} from './streams.ts';
export { recordReadable, recordWritable } from './streams.ts';
export type { ReportedTotals, SenderTotals, SessionStart } from './totals.ts';
export type { ReceiverEvent, UdpReceiver, UdpReceiverOptions } from './udp-receiver.ts';
export { openUdpReceiver } from './udp-receiver.ts';
export { openUdpSender } from './udp-sender.ts';
export type {
  RemoteAddress,
  SenderEvent,
  UdpSender,
  UdpSenderCounters,
  UdpSenderOptions,
} from './udp-sender-options.ts';
export type { UnconfirmedLimits } from './unconfirmed-sessions.ts';
export type { UnopenedNews } from './unopened-watch.ts';
export type { OrderLimits } from './waiting-room.ts';
