import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { expectStatus } from '../../support/agent/expect-status.ts';
import { createRequest } from '../../support/container/container-spec.ts';
import { freshId, TestContainer } from '../../support/container/test-container.ts';
import type { Edit } from '../../support/oci-bundle.ts';
import { eventually } from '../../support/eventually.ts';
import { compileProgram } from '../../support/vm/compile-program.ts';
import { useOwnRuntime } from '../../support/own-runtime.ts';

const label = 'system_u:system_r:container_t:s0:c1,c2';
const hasAppArmor = existsSync('/sys/module/apparmor/parameters/enabled');

describe('PRV-09: a label of a security module', () => {
  const agent = useAgent();
  const fixture = useOwnRuntime();

  it.skipIf(hasAppArmor).each<[string, Edit]>([
    ['process.apparmorProfile', ({ process }) => (process['apparmorProfile'] = 'docker-default')],
    ['process.selinuxLabel', ({ process }) => (process['selinuxLabel'] = label)],
    ['linux.mountLabel', ({ linux }) => (linux['mountLabel'] = label)],
  ])('%s is refused where it cannot be applied', async (field, edit) => {
    expect(await fixture.runtime.refusal(edit)).toMatch(new RegExp(`${field}.*(cannot be applied|runs without)`));
  });

  it.skipIf(hasAppArmor)(
    'behind the API that of SELinux is refused, and a profile of the host is passed over',
    async () => {
      const request = (process: object) => createRequest(freshId(), { root: agent.root, process });
      const selinux = agent.client.call('CreateContainer', request({ SelinuxLabel: label }));
      await expectStatus(selinux, ['internal'], /runs without SELinux/);
      const process = { ApparmorProfile: 'cri-containerd.apparmor.d' };
      expect(await TestContainer.run(agent.client, { root: agent.root, run: 'exit 3', process })).toMatchObject({
        status: 3,
      });
    },
  );

  it.each(['no label', 'u:r:t:s0', 'a_u:b_r:c_t:s16', 'a_u:b_r:c_t:s0\nx'])('%j is no label', async (text) => {
    const request = createRequest(freshId(), { root: agent.root, process: { SelinuxLabel: text } });
    await expectStatus(agent.client.call('CreateContainer', request), ['invalid_argument'], /selinuxLabel/);
  });
});

describe('PRV-12: the session keyring', () => {
  const fixture = useOwnRuntime();

  it('is each process its own: of two containers, an exec and the caller', async () => {
    const program = await compileProgram('session-keyring');
    const outside = (await fixture.machine.command([program])).stdout;
    const seen = [outside];
    for (const withExec of [true, false]) {
      const container = await fixture.runtime.prepare('/session-keyring; sleep 600');
      copyFileSync(program, join(container.bundle.path, 'rootfs/session-keyring'));
      await container.create();
      await container.start();
      await eventually(async () => expect(await container.stdout()).toMatch(/^\d+\n$/));
      seen.push(await container.stdout());
      if (withExec) seen.push((await container.exec('/session-keyring')).stdout);
    }
    for (const id of seen) expect(id).toMatch(/^\d+\n$/);
    expect(new Set(seen).size).toBe(4);
  });

  it("is the caller's with --no-new-keyring", async () => {
    const program = await compileProgram('session-keyring');
    const container = await fixture.runtime.prepare(['/session-keyring']);
    copyFileSync(program, join(container.bundle.path, 'rootfs/session-keyring'));
    const args = ['run', '--no-new-keyring', '--bundle', container.bundle.path, container.id];
    const outcome = await fixture.runtime.command(args);
    expect(outcome.stdout).toBe((await fixture.machine.command([program])).stdout);
  });
});
