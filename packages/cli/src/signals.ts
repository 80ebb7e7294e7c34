// SIGINT and SIGTERM: the first asks to drain, the second ends the process at once.

/** Resolves when the signal is aborted; never without one. */
export function untilAborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve();
    else signal?.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** What the signals do, and how to let go of them again. */
export interface Signals extends Disposable {
  /** Aborted by the first SIGINT or SIGTERM; its reason is the signal's name. */
  readonly signal: AbortSignal;
}

/** Takes over SIGINT and SIGTERM until disposed. `exit` gets 128 + the signal's number at the second one. */
export function drainOnSignals(process: NodeJS.Process, exit: (code: number) => void): Signals {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals, number: number): void => {
    if (controller.signal.aborted) exit(128 + number);
    else controller.abort(name);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}
