// What a request parser is given: its handlers, its limits, and the memory it shares.

import type { Successor } from './framing.ts';
import type { MemoryBudget } from './memory-budget.ts';
import type { RequestLimits } from './options.ts';
import type { OtherProtocol } from './other-protocol.ts';
import type { RequestReject } from './reject.ts';
import type { HttpRequest } from './request.ts';

/** All handlers are called with the parser's state settled, so they may throw, close or push again. */
export interface RequestParserOptions extends RequestLimits {
  /** Called once for each whole request, in the order of the stream, from within `push`. Its bytes are valid until this returns. */
  readonly onRequest: (request: HttpRequest) => void;
  /** Called once for each request that was begun and is not delivered; with reason `memory` also from within another parser's `push`. */
  readonly onReject: (reject: RequestReject) => void;
  /** Called once, where what follows a CONNECT or an Upgrade turns out to be no request: the rest of the stream is skipped. */
  readonly onOpaque?: (after: Successor) => void;
  /** Called at most once, where the first bytes of a stream are no request. All but `unknown` are skipped to the end. */
  readonly onOtherProtocol?: (protocol: OtherProtocol) => void;
  /** Memory shared with other parsers; default: a budget of its own with the default limits. */
  readonly budget?: MemoryBudget;
  /** The stream's beginning was not seen, as after `startMidstream()`; default false. */
  readonly midstream?: boolean;
}
