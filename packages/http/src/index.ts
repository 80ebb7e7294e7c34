// HTTP/1.x byte streams in, whole messages out: an observer, not an endpoint.

export {
  type CapturedRequestsOptions,
  type ConnectionsReader,
  capturedRequests,
  type KeptRequest,
} from './captured-requests.ts';
export type { HttpConnectionOptions, HttpStream } from './connection-options.ts';
export { headerValue } from './fields.ts';
export type { Successor, Tunnel } from './framing.ts';
export { HttpConnection } from './http-connection.ts';
export { budgetDefaults, MemoryBudget, type MemoryBudgetOptions, type MemoryHolder } from './memory-budget.ts';
export { bodyOf, bodyParts, type MessageBody } from './message-body.ts';
export { parserDefaults, type RequestLimits } from './options.ts';
export { type OtherProtocol, otherProtocols } from './other-protocol.ts';
export { parseRequest } from './parse-request.ts';
export type { ParserCounters, ResponseCounters, StreamCounters } from './parser-counters.ts';
export type { RequestParserOptions } from './parser-options.ts';
export { type RejectReason, type RequestReject, rejectReasons } from './reject.ts';
export type { HttpRequest } from './request.ts';
export { RequestParser } from './request-parser.ts';
export type { HttpResponse, RequestReference } from './response.ts';
export type { ResponseParserOptions } from './response-options.ts';
export { ResponseParser } from './response-parser.ts';
export { type ResponseReject, type ResponseRejectReason, responseRejectReasons } from './response-reject.ts';
export { looksLikeRequest, roleOf } from './resync.ts';
