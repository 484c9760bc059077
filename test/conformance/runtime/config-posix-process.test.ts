import { expect } from 'vitest';
import { section } from '../support/section.ts';

/** Limits by their line in /proc/self/limits, and values below what tests start with. */
const limits: readonly (readonly [string, string, number, number])[] = [
  ['RLIMIT_AS', 'Max address space', 1 << 30, (1 << 30) + 4096],
  ['RLIMIT_CORE', 'Max core file size', 1, 2],
  ['RLIMIT_CPU', 'Max cpu time', 1000, 2000],
  ['RLIMIT_DATA', 'Max data size', 1 << 29, 1 << 30],
  ['RLIMIT_FSIZE', 'Max file size', 1 << 29, 1 << 30],
  ['RLIMIT_LOCKS', 'Max file locks', 100, 200],
  ['RLIMIT_MEMLOCK', 'Max locked memory', 4096, 8192],
  ['RLIMIT_MSGQUEUE', 'Max msgqueue size', 4096, 8192],
  ['RLIMIT_NICE', 'Max nice priority', 0, 0],
  ['RLIMIT_NOFILE', 'Max open files', 100, 200],
  ['RLIMIT_NPROC', 'Max processes', 1000, 2000],
  ['RLIMIT_RSS', 'Max resident set', 1 << 29, 1 << 30],
  ['RLIMIT_RTPRIO', 'Max realtime priority', 0, 0],
  ['RLIMIT_RTTIME', 'Max realtime timeout', 1000, 2000],
  ['RLIMIT_SIGPENDING', 'Max pending signals', 100, 200],
  ['RLIMIT_STACK', 'Max stack size', 1 << 20, 1 << 21],
];

section('config.md#posix-process', ({ promise }) => {
  promise('soft and hard are what getrlimit gives, for every limit of Linux', async (runner) => {
    const { stdout } = await runner.run('cat /proc/self/limits', (config) => {
      config.process.rlimits = limits.map(([type, , soft, hard]) => ({ type, soft, hard }));
    });
    for (const [type, name, soft, hard] of limits) {
      const line = stdout.split('\n').find((text) => text.startsWith(name)) ?? '';
      expect(line.slice(name.length).trim().split(/\s+/).slice(0, 2), type).toEqual([String(soft), String(hard)]);
    }
  });

  promise('a limit that does not exist is an error', async (runner) => {
    for (const type of ['RLIMIT_NOSUCH', 'NOFILE', 'rlimit_nofile', ''])
      await runner.refusal((config) => {
        config.process.rlimits = [{ type, soft: 1, hard: 1 }];
      });
  });

  promise('two entries of the same type are an error', async (runner) => {
    await runner.refusal((config) => {
      config.process.rlimits = [
        { type: 'RLIMIT_NOFILE', soft: 100, hard: 100 },
        { type: 'RLIMIT_NOFILE', soft: 200, hard: 200 },
      ];
    });
  });

  promise('soft above hard is an error', async (runner) => {
    await runner.refusal((config) => {
      config.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 200, hard: 100 }];
    });
  });
});
