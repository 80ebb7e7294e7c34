// gor-listen reading a flood from its stdin, its ledger and the most memory that it had resident.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ListenLedger } from 'gor-listen';
import { type FloodKind, floodFile } from '../kit/flood.ts';
import { programPath } from '../kit/process.ts';

/** Enough for all that docs/operating.md lists. Left alone, V8 lets garbage pile up to several times what is in use. */
const HEAP_MB = 512;

/** Runs it to its end; `peakMb` is 0 where the system does not tell. */
export async function flood(kind: FloodKind, count: number): Promise<{ ledger: ListenLedger; peakMb: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'gor-flood-'));
  const file = join(folder, 'ledger.json');
  const program = [`--max-old-space-size=${HEAP_MB}`, programPath('gor-listen')];
  const args = [...program, '--pcap', '-', '--json', '--ledger', file, '--quiet'];
  const child = spawn(process.execPath, args);
  let stderr = '';
  let peakMb = 0;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdout.resume();
  const closed = once(child, 'close');
  const timer = setInterval(() => {
    peakMb = Math.max(peakMb, peakOf(child.pid ?? 0));
  }, 50);
  await pipeline(Readable.from(floodFile(kind, count)), child.stdin);
  const [code] = await closed;
  clearInterval(timer);
  if (code !== 0) throw new Error(`gor-listen ended with exit code ${code}:\n${stderr}`);
  const ledger = JSON.parse(readFileSync(file, 'utf8')) as ListenLedger;
  rmSync(folder, { recursive: true });
  return { ledger, peakMb };
}

/** The most memory that the process has had resident so far. */
function peakOf(pid: number): number {
  try {
    return Math.round(Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024);
  } catch {
    return 0; // ended, or no Linux
  }
}
