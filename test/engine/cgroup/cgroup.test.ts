import { join } from 'node:path';
import { describe } from 'vitest';
import { CgroupHome } from '../../support/agent/cgroup-home.ts';
import { registerChecks } from '../../support/engine/engine-checks.ts';
import { runInEngine } from '../../support/engine/run-in-engine.ts';

const home = new CgroupHome();
try {
  const script = join(import.meta.dirname, 'cgroup-program.ts');
  const run = await runInEngine(script, { args: [home.path], timeoutMs: 120_000 });
  describe('cgroups on this machine', () => registerChecks(run, 'ok the program runs to its end'));
} finally {
  await home.remove();
}
