// What a response parser is given: its handlers, its limits, the memory it shares, and who knows the requests.

import type { MemoryBudget } from './memory-budget.ts';
import type { RequestLimits } from './options.ts';
import type { OtherProtocol } from './other-protocol.ts';
import type { HttpResponse, RequestReference } from './response.ts';
import type { ResponseReject } from './response-reject.ts';

/** All handlers are called with the parser's state settled, so they may throw, close or push again. */
export interface ResponseParserOptions extends RequestLimits {
  /**
   * Called once for each whole response, interim ones too, in the order of the stream. Its bytes are valid until this
   * returns. Without it heads are read and bodies passed over: nothing is kept of them, whatever their length.
   */
  readonly onResponse?: ((response: HttpResponse) => void) | undefined;
  /** Called once for each response that was begun and is not delivered; with reason `memory` also from within another parser's `push`. */
  readonly onReject?: ((reject: ResponseReject) => void) | undefined;
  /** Called at most once, where the first bytes of a stream are no response. All but `unknown` are skipped to the end. */
  readonly onOtherProtocol?: ((protocol: OtherProtocol) => void) | undefined;
  /**
   * Asked once for each response, at the end of its head: which request it answers. The answers to HEAD and CONNECT have no
   * bodies, which only their requests tell. Must not throw or call the parser. Default: it is not known.
   */
  readonly requestOf?:
    | ((status: number, firstByteUs: number, headers: readonly string[]) => RequestReference | undefined)
    | undefined;
  /** Asked before a response's first byte, in step: false leaves it and what follows unread (see `push`). Default: true. */
  readonly mayBegin?: (() => boolean) | undefined;
  /** Whether a request waits: then a first answer without a status line is `http-0.9`, not another protocol. Default: false. */
  readonly isAwaited?: (() => boolean) | undefined;
  /** Called where the stream's place is lost: how many responses are missed is unknown. Must not throw or call the parser. */
  readonly onLost?: (() => void) | undefined;
  /** Memory shared with other parsers; default: a budget of its own with the default limits. */
  readonly budget?: MemoryBudget | undefined;
  /** The stream's beginning was not seen, as after `startMidstream()`; default false. */
  readonly midstream?: boolean | undefined;
}
