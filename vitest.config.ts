import { configDefaults, defineConfig } from 'vitest/config';
import type { TestProjectInlineConfiguration } from 'vitest/config';

interface Suite {
  readonly name: string;
  /** Of one test and of one hook. */
  readonly timeoutMs: number;
  /** Test files one after another: they start processes and VMs that would disturb each other's times. */
  readonly isSerial: boolean;
  /** Files of a worker share its modules: half of the time of many small files is their start. */
  readonly isShared?: boolean;
}

const suites: readonly Suite[] = [
  { name: 'unit', timeoutMs: 30_000, isSerial: false, isShared: true },
  { name: 'engine', timeoutMs: 120_000, isSerial: true, isShared: true },
  { name: 'integration', timeoutMs: 120_000, isSerial: true },
  { name: 'conformance', timeoutMs: 60_000, isSerial: false, isShared: true },
  { name: 'vm', timeoutMs: 300_000, isSerial: true },
  { name: 'waiting', timeoutMs: 300_000, isSerial: true },
  { name: 'images', timeoutMs: 300_000, isSerial: true },
  { name: 'kernels', timeoutMs: 600_000, isSerial: true },
  { name: 'fuzz', timeoutMs: 3_600_000, isSerial: true },
];

function project(suite: Suite): TestProjectInlineConfiguration {
  return {
    test: {
      name: suite.name,
      include: [`test/${suite.name}/**/*.test.ts`],
      exclude: [...configDefaults.exclude, 'build/**', '.cache/**'],
      testTimeout: suite.timeoutMs,
      hookTimeout: suite.timeoutMs,
      pool: 'forks',
      poolOptions: { forks: { singleFork: suite.isSerial, isolate: suite.isShared !== true } },
    },
  };
}

// The pool is made from the root's own settings: workers that may be shared. Serial suites have but one, whose modules are reset between
// files unless `isShared` says otherwise.
export default defineConfig({
  test: { projects: suites.map(project), poolOptions: { forks: { isolate: false } } },
});
