import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFailed } from 'vitest';
import { expectStatus } from '../support/agent/expect-status.ts';
import { GENERATED_POLICY } from '../support/policies.ts';
import { TestVm } from '../support/vm/test-vm.ts';

const folder = mkdtempSync(join(tmpdir(), 'kihon-policy-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Where Kata's images have it. */
const DEFAULT_PATH = 'etc/kata-opa/default-policy.rego';

function fileWith(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('a policy in the initrd', () => {
  it('is in force from the first call', async () => {
    await using vm = await TestVm.boot({ files: { [DEFAULT_PATH]: fileWith('good.rego', GENERATED_POLICY) } });
    onTestFailed(({ task }) => vm.showConsole(task.name));
    const client = await vm.connect();
    await client.check();
    await expectStatus(client.call('SetPolicy', { policy: 'package agent_policy' }), 'permission_denied', 'SetPolicy');
    await expectStatus(client.call('CreateContainer', { container_id: 'c' }), 'permission_denied', 'blocked by policy');
    await client.call('CreateSandbox', { sandbox_id: 'pod' });
  });

  it('that cannot be read powers the VM off before the API opens', async () => {
    const boot = TestVm.boot({
      files: { 'policy.rego': fileWith('bad.rego', 'package agent_policy\nr := ') },
      kernelParameters: ['agent.policy_file=/policy.rego'],
    });
    const outcome = await boot.then(
      async (vm) => {
        await vm[Symbol.asyncDispose]();
        return 'it booted';
      },
      (error: unknown) => String(error),
    );
    expect(outcome).not.toBe('it booted');
  });
});
