// The program gor as a library.
export { type Command, commands } from './commands.ts';
export { main } from './main.ts';
