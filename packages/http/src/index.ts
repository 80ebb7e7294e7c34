// HTTP/1.x byte streams in, whole messages out: an observer, not an endpoint.

export { headerValue } from './fields.ts';
export type { Successor } from './framing.ts';
export { budgetDefaults, MemoryBudget, type MemoryBudgetOptions, type MemoryHolder } from './memory-budget.ts';
export { parserDefaults, type RequestLimits } from './options.ts';
export { parseRequest } from './parse-request.ts';
export type { ParserCounters } from './parser-counters.ts';
export type { RequestParserOptions } from './parser-options.ts';
export { type RejectReason, type RequestReject, rejectReasons } from './reject.ts';
export { bodyOf, bodyParts, type HttpRequest, type RequestBody } from './request.ts';
export { RequestParser } from './request-parser.ts';
export { looksLikeRequest, type OtherProtocol, roleOf } from './resync.ts';
