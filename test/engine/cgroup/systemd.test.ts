import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'vitest';
import { CgroupHome } from '../../support/agent/cgroup-home.ts';
import { registerChecks } from '../../support/engine/engine-checks.ts';
import { runInEngine } from '../../support/engine/run-in-engine.ts';
import { FakeSystemd } from '../../support/systemd/fake-systemd.ts';

const home = new CgroupHome();
// The program has a /tmp of its own.
const folder = mkdtempSync('/var/tmp/kihon-systemd-');
const fake = await FakeSystemd.start(join(folder, 'bus'), home.path, '');
fake.behaviour = { isSilent: true };
try {
  const script = join(import.meta.dirname, 'systemd-program.ts');
  const run = await runInEngine(script, { args: [fake.socket], timeoutMs: 60_000 });
  describe('waiting for systemd', () => registerChecks(run, 'ok the program runs to its end'));
} finally {
  await fake.stop();
  await home.remove();
  rmSync(folder, { recursive: true });
}
