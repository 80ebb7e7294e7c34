// What a piece of work costs this process: CPU, user and system time of all its threads.

/**
 * @param {() => void | Promise<void>} work
 * @returns {Promise<{ cpuUs: number }>}
 */
export async function measured(work) {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { cpuUs: user + system };
}

/**
 * Does something so many times, some at a time, each time when the event loop comes round after a millisecond.
 * @param {number} count
 * @param {number} atOnce
 * @param {() => void} once
 */
export async function inTurns(count, atOnce, once) {
  for (let done = 0; done < count; ) {
    for (const end = Math.min(count, done + atOnce); done < end; done++) once();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
