// What continuous integration runs: everything that `npm test` runs, then the checks. A skipped test fails here, but for
// those that need captures of other projects.
// The last line sums up tests and checks.
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { quickChecks, runChecks, slowChecks } from './check.mjs';

const REPORT = '.setup/test-report.json';
/** Skipped where the captures of other projects, which are not part of this one, are not there. */
const NEED_CORPUS = [
  'test/corpus.test.ts',
  'test/exact-bytes.test.ts',
  'packages/http/test/llhttp-vectors.test.ts',
  'packages/capture/test/bpf-captures.test.ts',
];

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
rmSync(REPORT, { force: true });
const code = await runTests();
const tests = testCounts(code);
const checks = await runChecks([...quickChecks, ...slowChecks]);
const passed = tests.passed + checks.passed;
const failed = tests.failed + checks.failed;
process.exitCode = failed === 0 ? 0 : 1;
process.stdout.write(
  `tests: ${tests.passed} passed, ${tests.failed} failed; checks: ${checks.passed} passed, ${checks.failed} failed\n`,
);
process.stdout.write(`${passed} passed, ${failed} failed\n`);

/** @returns {Promise<number | null>} */
function runTests() {
  const args = ['scripts/test.mjs', '--reporter=default', '--reporter=json', `--outputFile.json=${REPORT}`];
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  return new Promise((resolve) => child.on('close', resolve));
}

/**
 * @param {number | null} code
 * @returns {{ passed: number, failed: number }} a skipped test, and a run that ended without a report, count as failed
 */
function testCounts(code) {
  const report = readReport();
  if (report === undefined) return { passed: 0, failed: 1 };
  const { numTotalTests, numPassedTests, numFailedTests, testResults } = report;
  const withoutCorpus = testResults
    .filter(({ name }) => NEED_CORPUS.some((file) => name.endsWith(file)))
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status !== 'passed' && status !== 'failed').length;
  const skipped = numTotalTests - numPassedTests - numFailedTests - withoutCorpus;
  if (withoutCorpus > 0) process.stdout.write(`${withoutCorpus} tests need captures that are not here: not run\n`);
  if (skipped > 0) process.stdout.write(`${skipped} tests were skipped: that is a failure here\n`);
  const failed = numFailedTests + skipped;
  return { passed: numPassedTests, failed: failed === 0 && code !== 0 ? 1 : failed };
}

/**
 * @typedef {{ name: string, assertionResults: { status: string }[] }} TestFile
 * @typedef {{ numTotalTests: number, numPassedTests: number, numFailedTests: number, testResults: TestFile[] }} Report
 */

/** @returns {Report | undefined} */
function readReport() {
  try {
    return JSON.parse(readFileSync(REPORT, 'utf8'));
  } catch {
    return undefined; // the tests did not get as far as a report: counted as a failure above
  }
}
