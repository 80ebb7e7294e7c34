// The worker's side of a call: functions by name; it ends when the bench does.

/**
 * Takes calls from now on.
 * @param {Readonly<Record<string, (argument: any) => unknown>>} functions
 */
export function takeCalls(functions) {
  process.on('message', async (/** @type {any} */ { number, name, argument }) => {
    try {
      const value = await functions[name]?.(argument);
      process.send?.({ number, value });
    } catch (error) {
      process.send?.({ number, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ number: 0 });
}

/** What the worker was started with. */
export function startArgument() {
  return JSON.parse(process.argv[2] ?? '{}');
}

/** Microseconds of a clock that all processes of a machine share. */
export function sharedClockUs() {
  const [seconds, nanoseconds] = process.hrtime();
  return Math.floor(seconds * 1e6 + nanoseconds / 1000);
}
