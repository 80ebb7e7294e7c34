// A capture file read through to its connections: frames, segments and streams put together.

import { FrameDecoder } from '../frame-decoder.ts';
import { TcpAssembler, type TcpAssemblerOptions } from '../tcp-assembler.ts';
import { type ReadCaptureOptions, readCapture } from './file.ts';

/** A file holds nothing up: even the slowest retransmission may still come. Longer than most systems take to give up. */
const HOLE_TIMEOUT_MS = 30_000;

/** What {@link readConnections} takes. Packets of other ports than `serverPorts` are left out. */
export interface ReadConnectionsOptions extends TcpAssemblerOptions, ReadCaptureOptions {}

/**
 * Reads a capture file, or a stream of its bytes, and tells `onConnection` of its connections, their streams' bytes in order;
 * all of them have ended when it is over. Yields after each piece that was read, for whoever hands on what it was told
 * meanwhile. Holes are waited for 30 s of packet time unless `limits` says otherwise. Throws CaptureError as `readCapture`.
 */
export async function* readConnections(
  pathOrStream: string | AsyncIterable<Uint8Array>,
  { signal, ...options }: ReadConnectionsOptions,
): AsyncGenerator<undefined, void, undefined> {
  const assembler = new TcpAssembler({ ...options, limits: { holeTimeoutMs: HOLE_TIMEOUT_MS, ...options.limits } });
  const decoder = new FrameDecoder({ ports: options.serverPorts, onSegment: (segment) => assembler.push(segment) });
  try {
    for await (const frames of readCapture(pathOrStream, { signal })) {
      for (const frame of frames) decoder.push(frame);
      yield;
    }
  } finally {
    decoder.close();
    assembler.close();
  }
  yield;
}
