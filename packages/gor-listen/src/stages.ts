// What happens to a request between the parser and the sink: an ordered list of stages, each of which lets it pass,
// changes it, or names the reason to leave it out.
import type { Connection } from '@gor/capture';
import type { HttpRequest, HttpResponse } from '@gor/http';

/** A whole request as it was captured. Its bytes are valid only until the handler returns. */
export interface CapturedRequest {
  readonly request: HttpRequest;
  readonly connection: Connection;
}

/** A whole response as it was captured. Its bytes are valid only until the handler returns. */
export interface CapturedResponse {
  readonly response: HttpResponse;
  readonly connection: Connection;
}

/** A step between parser and sink: gives the request to go on with, or the reason to drop it. */
export type Stage = (captured: CapturedRequest) => CapturedRequest | string;

/** The header that the replay side adds to what it sends; a request that carries it is never captured again. */
const MARK_NAME = 'gor-replayed';

/** Leaves out what a replayer of ours sent: otherwise a replay to a watched port would be replayed for ever. */
export const leaveReplayed: Stage = (captured) => {
  const { headers } = captured.request;
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]!;
    if (name.length === MARK_NAME.length && name.toLowerCase() === MARK_NAME) return 'replayed';
  }
  return captured;
};

/** The request that all stages let pass, or the first reason. */
export function throughStages(stages: readonly Stage[], captured: CapturedRequest): CapturedRequest | string {
  let current = captured;
  for (const stage of stages) {
    const outcome = stage(current);
    if (typeof outcome === 'string') return outcome;
    current = outcome;
  }
  return current;
}
