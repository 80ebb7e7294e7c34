// Tests run on the packages' sources (condition gor-source), so no stale build can pass them; programs started as
// processes run dist, which the global set-up builds. Live tests run alone, one file at a time, after all others: they
// share the machine's interfaces, and a capture under load is what they are about.
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// pnpm's starters lead to all packages of the workspace by it: tests look for packages as users' programs do.
delete process.env['NODE_PATH'];

const shared = {
  ssr: { resolve: { conditions: ['gor-source', 'module', 'node', 'development|production'] } },
};
const live = ['test/live/**/*.test.ts', 'examples/**/*.test.{ts,mjs}'];
const soak = ['test/soak/**/*.test.ts'];
/** Much is waited for: where there are two processors, vitest's own choice, one worker, would leave them idle. */
const maxWorkers = Math.max(2, availableParallelism() - 1);
const exclude = ['**/node_modules/**', '**/dist/**'];

export default defineConfig({
  test: {
    globalSetup: ['test/build.ts'],
    projects:
      process.env['GOR_SOAK'] === '1'
        ? [{ ...shared, test: { name: 'soak', include: soak, exclude, fileParallelism: false, testTimeout: 600_000 } }]
        : [
            {
              ...shared,
              test: {
                name: 'tests',
                include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
                exclude: [...exclude, ...live, ...soak],
                testTimeout: 20_000,
                hookTimeout: 30_000,
                maxWorkers,
                sequence: { groupOrder: 0 },
              },
            },
            {
              ...shared,
              test: {
                name: 'live',
                include: live,
                exclude,
                fileParallelism: false,
                testTimeout: 60_000,
                hookTimeout: 60_000,
                sequence: { groupOrder: 1 },
              },
            },
          ],
  },
});
