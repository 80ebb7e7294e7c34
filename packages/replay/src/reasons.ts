// Every way in which a request can end other than by an answer. Owners count them; nothing is thrown.

/**
 * Dropped by us to keep a promise: `buffer-age` waited longer than the buffer's age; `buffer-full` made room in a full
 * backlog (the oldest goes), or did not fit into it at all.
 */
export type LimitedReason = 'buffer-age' | 'buffer-full';

/**
 * Never tried: `not-in-share` is of a connection that `|10%` leaves out; `connect` and `upgrade` would end HTTP on their
 * connection; `cannot-send` has fields, changed after the capture, that would break out of their lines or are not Latin-1;
 * `closed` waited when the replayer closed; `circuit-open` came, or waited, while the target did not answer.
 */
export type SkippedReason = 'not-in-share' | 'connect' | 'upgrade' | 'cannot-send' | 'closed' | 'circuit-open';

/**
 * Tried without an answer: `connect-refused`, `connect-timeout` (the deadline passed before the request was on a socket),
 * `unresolvable` (name), `unreachable` (network), `tls` (handshake or certificate), `timeout` (deadline passed), `reset`,
 * `closed-early` (the target closed before the end of its answer), `bad-answer` (not HTTP/1.x),
 * `no-local-resource` (no file descriptor or port left here), `closed` (in flight when the replayer closed), `other`.
 */
export type FailedReason =
  | 'connect-refused'
  | 'connect-timeout'
  | 'unresolvable'
  | 'unreachable'
  | 'tls'
  | 'timeout'
  | 'reset'
  | 'closed-early'
  | 'bad-answer'
  | 'no-local-resource'
  | 'closed'
  | 'other';
