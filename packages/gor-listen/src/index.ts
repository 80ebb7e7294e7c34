// The listener as a library: listen() is the whole program without its printing.
export { type ListenEvent, type ListenOptions, listen } from './listen.ts';
export type { ListenLedger, ReplayServerLedger } from './listen-ledger.ts';
export type { ShedCause } from './load-control.ts';
export type { ShedHistory } from './load-watch.ts';
export { listenProgram, main } from './main.ts';
export { requestJson, requestLine, responseJson, responseLine } from './message-text.ts';
export {
  configureListen,
  type ListenConfig,
  type ListenKeyFile,
  type ListenOutput,
  type ListenRights,
  listenFlags,
} from './options.ts';
export type { ReplayServer, ReplayServerEvent } from './request-sink.ts';
export type { ShedNotice } from './shed-notices.ts';
export { type CapturedRequest, type CapturedResponse, leaveReplayed, type Stage } from './stages.ts';
