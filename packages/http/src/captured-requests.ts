// The requests of many connections as one async sequence, each the reader's to keep. Whoever reads the connections is given
// as a function, so that nothing here knows where their bytes come from.

import type { HttpStream } from './connection-options.ts';
import { HttpConnection } from './http-connection.ts';
import { MemoryBudget } from './memory-budget.ts';
import { bodyOf } from './message-body.ts';
import type { RequestLimits } from './options.ts';
import type { RequestReject } from './reject.ts';
import type { HttpRequest } from './request.ts';

/** A request with all that replaying it takes. Its bytes are its own. */
export interface KeptRequest extends HttpRequest {
  /** The number of its connection. */
  readonly connection: number;
  /** Without chunking; a view of `bytes`, or, where it came chunked, an array of its own. */
  readonly body: Uint8Array;
  /** `firstByteUs`. */
  readonly timestampUs: number;
}

/** What {@link capturedRequests} may be told. The limits hold for each request, unfinished ones share 24 MiB. */
export interface CapturedRequestsOptions extends RequestLimits {
  /** Called once for each request that was begun and is left out, with the number of its connection. */
  readonly onReject?: ((reject: RequestReject, connection: number) => void) | undefined;
}

/** Reads connections: asks for the handlers of each, and gives a turn after each piece that it read. */
export type ConnectionsReader = (
  onConnection: (connection: { readonly id: number }) => { readonly client: HttpStream; readonly server: HttpStream },
) => AsyncIterable<unknown>;

/**
 * The whole requests in what `read` reads, in the order in which they were complete. With `readConnections` of @gor/capture:
 * `capturedRequests((onConnection) => readConnections('day.pcap', { roleOf, onConnection }))`. What one turn completed waits
 * until it is taken; nothing more is read meanwhile. Rejects where `read` does, behind the requests before that.
 */
export async function* capturedRequests(
  read: ConnectionsReader,
  { onReject, ...limits }: CapturedRequestsOptions = {},
): AsyncGenerator<KeptRequest, void, undefined> {
  let complete: KeptRequest[] = [];
  const budgets = { budget: new MemoryBudget(), responseBudget: new MemoryBudget() };
  const turns = read(
    ({ id }) =>
      new HttpConnection({
        ...limits,
        ...budgets,
        onRequest: (request) => complete.push(kept(request, id)),
        onReject: (reject) => onReject?.(reject, id),
      }),
  );
  try {
    for await (const _ of turns) {
      yield* complete;
      complete = [];
    }
  } catch (error) {
    yield* complete;
    throw error;
  }
  yield* complete;
}

function kept(request: HttpRequest, connection: number): KeptRequest {
  const bytes = request.bytes.slice();
  return { ...request, bytes, body: bodyOf({ ...request, bytes }), connection, timestampUs: request.firstByteUs };
}
