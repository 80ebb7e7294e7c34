// The listener as a library: listen() is the whole program without its printing.
export { type ListenEvent, type ListenOptions, listen } from './listen.ts';
export type { ListenLedger } from './listen-ledger.ts';
export { listenProgram, main } from './main.ts';
export { configureListen, type ListenConfig, type ListenOutput, listenFlags } from './options.ts';
export { requestJson, requestLine } from './request-text.ts';
export { type CapturedRequest, leaveReplayed, type Stage } from './stages.ts';
