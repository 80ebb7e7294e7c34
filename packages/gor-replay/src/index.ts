// The replay server as a library: replay() is the whole program without its printing.
export { main, replayProgram } from './main.ts';
export { configureReplay, type ReplayConfig, type ReplayKeyFile, replayFlags } from './options.ts';
export { type ReplayEvent, type ReplayOptions, type ReplayStage, replay } from './replay.ts';
export type { ReplayLedger } from './replay-ledger.ts';
