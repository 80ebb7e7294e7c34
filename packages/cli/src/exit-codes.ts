// The exit codes of all gor programs, after BSD's sysexits.h where it has one.

/** What a gor program's exit code says. */
export const exitCodes = {
  /** Done, or drained after SIGINT or SIGTERM. */
  done: 0,
  /** Failed while starting or running: a port in use, a file that cannot be read, a name that does not resolve. */
  failed: 1,
  /** The command line or the environment cannot be used. */
  usage: 2,
  /** No capture engine can be loaded on this machine (EX_UNAVAILABLE). */
  noEngine: 69,
  /** The right to do it is missing (EX_NOPERM). */
  noPermission: 77,
} as const;
