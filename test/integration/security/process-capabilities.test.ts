import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { expectStatus } from '../../support/agent/expect-status.ts';
import { createRequest, DEFAULT_CAPABILITIES } from '../../support/container/container-spec.ts';
import { freshId, TestContainer } from '../../support/container/test-container.ts';
import { useOwnRuntime } from '../../support/own-runtime.ts';

const look = 'grep ^Cap /proc/self/status';
const none = '0000000000000000';

/** The sets of a `/proc/self/status`. */
function setsOf(status: string): Record<string, string> {
  return Object.fromEntries(
    status
      .split('\n')
      .filter((line) => line.startsWith('Cap'))
      .map((line) => line.split(':\t') as [string, string]),
  );
}

describe('capabilities behind the API', () => {
  const fixture = useAgent();
  const sets = async (process: object) =>
    setsOf((await TestContainer.run(fixture.client, { root: fixture.root, run: look, process })).stdout);

  it('PRV-01 nothing is inheritable for a user unless the spec says so, and ambient ones only with it', async () => {
    const user = { UID: 1000, GID: 1000 };
    const kill = ['CAP_KILL'];
    expect(await sets({ User: user })).toMatchObject({ CapInh: none, CapAmb: none, CapEff: none });
    const all = { Bounding: kill, Effective: kill, Permitted: kill };
    expect(await sets({ User: user, Capabilities: { ...all, Ambient: kill } })).toMatchObject({
      CapInh: none,
      CapAmb: none,
      // After execve only what is ambient is left to a user.
      CapPrm: none,
    });
    expect(await sets({ User: user, Capabilities: { ...all, Inheritable: kill, Ambient: kill } })).toEqual({
      ...{ CapInh: '0000000000000020', CapPrm: '0000000000000020', CapEff: '0000000000000020' },
      ...{ CapBnd: '0000000000000020', CapAmb: '0000000000000020' },
    });
  });

  it('PRV-02 lists that are empty or lack sets give nothing; names nobody knows are refused', async () => {
    expect(await sets({ Capabilities: {} })).toEqual({
      ...{ CapInh: none, CapPrm: none, CapEff: none, CapBnd: none, CapAmb: none },
    });
    expect(await sets({ Capabilities: { Bounding: ['CAP_KILL'] } })).toMatchObject({ CapBnd: '0000000000000020' });
    for (const name of ['CAP_FOO', 'cap_kill', '64', 'CAP_KILL\0', 'CAP_LAST_CAP']) {
      const process = { Capabilities: { Bounding: [name] } };
      const request = createRequest(freshId(), { root: fixture.root, process });
      await expectStatus(fixture.client.call('CreateContainer', request), ['invalid_argument'], /capabilit|NUL/);
    }
    const twice = ['CAP_KILL', 'CAP_KILL'];
    expect(await sets({ Capabilities: { Bounding: twice } })).toMatchObject({ CapBnd: '0000000000000020' });
  });

  it('EXE-07 the bounding set of an exec does not depend on files of the container', async () => {
    const root = await fixture.roots.copy();
    mkdirSync(join(root, 'fake'));
    writeFileSync(join(root, 'fake/cap_last_cap'), '0\n');
    const capabilities = [...DEFAULT_CAPABILITIES, 'CAP_SYS_ADMIN'];
    const process = {
      Capabilities: { Bounding: capabilities, Effective: capabilities, Permitted: capabilities },
      NoNewPrivileges: false,
    };
    await using container = await TestContainer.start(fixture.client, {
      root,
      run: `${look}; mount --bind /fake/cap_last_cap /proc/sys/kernel/cap_last_cap || mount -t tmpfs none /proc/sys; echo ready; sleep 600`,
      process,
    });
    const own = setsOf(await container.readUntil('ready'));
    const exec = await container.execute('grep ^Cap /proc/self/status', {
      process: { Capabilities: { Bounding: ['CAP_KILL'] } },
    });
    expect(setsOf(exec.stdout)['CapBnd']).toBe('0000000000000020');
    const plain = await container.execute('grep ^Cap /proc/self/status', { process: { Capabilities: undefined } });
    expect(setsOf(plain.stdout)['CapBnd']).toBe(own['CapBnd']);
  });
});

describe('capabilities of kihon-oci', () => {
  const fixture = useOwnRuntime();

  it('PRV-01 an exec with --cap makes nothing inheritable', async () => {
    const container = await fixture.runtime.create('sleep 600');
    await container.start();
    const plain = setsOf((await container.exec(look, ['--user', '1000'])).stdout);
    expect(plain).toMatchObject({ CapInh: none, CapAmb: none, CapPrm: none });
    const added = setsOf((await container.exec(look, ['--cap', 'CAP_SYS_PTRACE'])).stdout);
    expect(added).toMatchObject({ CapInh: none, CapAmb: none });
    expect(BigInt(`0x${added['CapEff'] ?? ''}`) >> 19n).not.toBe(0n);
  });

  it('PRV-02 without capabilities there are none', async () => {
    const outcome = await fixture.runtime.run(look, (config) => delete config.process.capabilities);
    expect(setsOf(outcome.stdout)).toEqual({ CapInh: none, CapPrm: none, CapEff: none, CapBnd: none, CapAmb: none });
  });
});
