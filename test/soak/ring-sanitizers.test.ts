// The native addon of the engine ring under AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer: opened and
// closed 1,000 times in every way, amid traffic, in threads, and left open at the end. Node's own leaks are not ours: of
// what is reported, what names ring.c counts. Errors that are planted in the source show that this finds them.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { needs } from '../kit/rights.ts';

const ROOT = join(import.meta.dirname, '../..');
const PACKAGE = join(ROOT, 'packages/capture');
const OPTIONS = {
  ASAN_OPTIONS: 'detect_leaks=1:halt_on_error=1:exitcode=86:fast_unwind_on_malloc=0:malloc_context_size=12',
  LSAN_OPTIONS: 'exitcode=0:report_objects=0',
  UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
};

/** What the sanitizers say of ring.c while it is opened and closed so many times, with something in it replaced. */
function findings(context: TestContext, times: number, replaced?: readonly [text: string, by: string]): string[] {
  needs(context, 'capture', 'cc');
  const library = execFileSync('cc', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim();
  context.skip(!library.startsWith('/'), 'the compiler has no AddressSanitizer');
  const folder = mkdtempSync(join(tmpdir(), 'gor-sanitizers-'));
  try {
    build(folder, replaced);
    const script = join(import.meta.dirname, 'ring-cycles.mjs');
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--expose-gc', script, folder, `${times}`], {
      env: { ...process.env, ...OPTIONS, LD_PRELOAD: library },
      encoding: 'utf8',
      timeout: 500_000,
      maxBuffer: 2 ** 28,
    });
    const reports = stderr.split(/\n(?=(?:Direct|Indirect) leak|={10,}|\S+: runtime error)/);
    const ours = reports.filter((report) => report.includes('ring.c:') || report.includes('ring.node'));
    if (replaced === undefined) {
      expect(stdout, stderr).toContain(`cycled ${times} times`);
      expect(status, stderr).toBe(0);
      // The sanitizers ran: node itself leaves some behind.
      expect(stderr).toContain('LeakSanitizer');
    }
    return ours;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The package as it is published, beside an addon that is built with the sanitizers. */
function build(folder: string, replaced: readonly [text: string, by: string] | undefined): void {
  cpSync(join(PACKAGE, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(PACKAGE, 'package.json'), join(folder, 'package.json'));
  mkdirSync(join(folder, 'build'));
  let source = readFileSync(join(PACKAGE, 'native/ring.c'), 'utf8');
  if (replaced !== undefined) {
    expect(source).toContain(replaced[0]);
    source = source.replace(...replaced);
  }
  writeFileSync(join(folder, 'ring.c'), source);
  const flags = ['-shared', '-fPIC', '-g', '-O1', '-std=gnu11', '-fno-omit-frame-pointer'];
  const headers = join(ROOT, 'node_modules/node-api-headers/include');
  const args = [...flags, '-fsanitize=address,undefined', '-I', headers, '-o', 'build/ring.node', 'ring.c'];
  execFileSync('cc', args, { cwd: folder });
}

test('1,000 times opened and closed: no leak, no error', (context) => {
  expect(findings(context, 1_000)).toEqual([]);
});

test.for<[error: string, text: string, by: string, report: RegExp]>([
  ['a handle that is not freed', 'free(poll);\n  ring->poll = NULL;', 'ring->poll = NULL;', /leak of .*attach/s],
  ['a ring that is not freed', 'if (ring->poll == NULL) free(ring);', '', /leak of .*ring_open/s],
  [
    'a ring that is freed too early',
    'if (ring->is_finalized) free(ring);',
    'free(ring);',
    /heap-use-after-free|double-free/,
  ],
  ['a name that is longer than its room', 'name, sizeof name, &length', 'name, 4000, &length', /overflow/],
])('%s is found', ([, text, by, report], context) => {
  expect(findings(context, 40, [text, by]).join('\n')).toMatch(report);
});
