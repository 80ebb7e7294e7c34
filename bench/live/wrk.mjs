// wrk: as many requests as one thread of it can have answered.
import { Child } from './children.mjs';
import { wrkHeaders } from './requests.mjs';

/**
 * Runs it to its end. `answered` leaves out what was under way when it stopped.
 * @param {{ port: number, seconds: number, connections: number }} load
 */
export async function runWrk({ port, seconds, connections }) {
  const headers = wrkHeaders().flatMap((header) => ['-H', header]);
  const load = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', ...headers];
  const wrk = new Child('wrk', ['wrk', ...load, `http://127.0.0.1:${port}/shop/article/17?page=3&sort=price`]);
  await wrk.ended;
  const answered = Number(/^\s*(\d+) requests in/m.exec(wrk.stdout)?.[1] ?? Number.NaN);
  const perSecond = Number(/^Requests\/sec:\s+([\d.]+)/m.exec(wrk.stdout)?.[1] ?? Number.NaN);
  if (!(answered > 0)) throw wrk.failure(`answered nothing: ${wrk.stdout}`);
  return { answered, perSecond, p99Ms: msOf(/^\s*99%\s+([\d.]+)(us|ms|s)/m.exec(wrk.stdout)) };
}

/** @param {RegExpExecArray | null} match */
function msOf(match) {
  const factors = /** @type {Record<string, number>} */ ({ us: 0.001, ms: 1, s: 1000 });
  return Number(match?.[1] ?? Number.NaN) * (factors[match?.[2] ?? ''] ?? Number.NaN);
}
