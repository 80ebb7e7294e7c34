// @gor/capture: frames in, ordered TCP byte streams out. Live capture is the subpath @gor/capture/open-capture, so that
// nothing here needs the native engine.

export type { AssemblerCounters, GapReason, PayloadDrop } from './assembler-counters.ts';
export { CaptureReader } from './capture-reader.ts';
export type { Connection, ConnectionHandlers, EndReason, RolesFrom, StreamHandler } from './connection.ts';
export { CaptureError, type CaptureErrorCode } from './errors.ts';
export type { Endpoint } from './flow.ts';
export { type FragmentLimits, fragmentDefaults } from './fragment-limits.ts';
export { type Direction, type Frame, linkTypes } from './frame.ts';
export { type FrameCounters, FrameDecoder, type FrameDecoderOptions, type FrameDrop } from './frame-decoder.ts';
export type { FragmentCounters, FragmentDrop } from './ip-fragments.ts';
export type { FrameReject } from './layer-cursor.ts';
export { LoadShedder, type LoadShedderOptions, type ShedCounters } from './load-shedder.ts';
export { type TcpLimits, tcpDefaults } from './options.ts';
export { portFilter } from './port-filter.ts';
export { decodeSegment, type Segment } from './segment.ts';
export { type ReadConnectionsOptions, readConnections } from './sources/connections.ts';
export { type ReadCaptureOptions, readCapture, readFrames } from './sources/file.ts';
export { tcpFlags } from './tcp.ts';
export { TcpAssembler, type TcpAssemblerOptions } from './tcp-assembler.ts';
