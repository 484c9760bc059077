import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { services } from '../../proto/gen/services.js';
import { expectStatus } from '../support/agent/expect-status.ts';
import { mountTable } from '../support/agent/kernel-view.ts';
import { Watched } from '../support/agent/standing-checks.ts';
import { startAgent } from '../support/agent/start-agent.ts';
import { mount } from '../support/container/container-spec.ts';
import { RootFilesystems } from '../support/container/root-filesystem.ts';
import { TestContainer } from '../support/container/test-container.ts';

const SHM = {
  driver: 'ephemeral',
  source: 'shm',
  fstype: 'tmpfs',
  options: ['noexec', 'nosuid', 'nodev', 'mode=1777', 'size=67108864'],
  mount_point: '/run/kata-containers/sandbox/shm',
};

describe('a sandbox', () => {
  let roots: RootFilesystems;
  beforeAll(async () => {
    roots = await RootFilesystems.create();
  });
  afterAll(() => roots[Symbol.asyncDispose]());

  it('is served, says which version it is, and what the guest can do', async () => {
    await using agent = await startAgent();
    const client = await agent.connect();
    await client.check();
    const version = services.method('grpc.Health', 'Version');
    expect(
      await client.callEncoded('grpc.Health', 'Version', version.request.encode({}), version.response),
    ).toMatchObject({ agent_version: '4.1.0', grpc_version: '0.0.1' });
    const details = await client.call('GetGuestDetails', { mem_block_size: true, mem_hotplug_probe: true });
    expect(details.agent_details).toMatchObject({ version: '4.1.0', init_daemon: false, supports_seccomp: true });
    const handlers = details.agent_details?.storage_handlers ?? [];
    for (const driver of ['virtio-fs', '9p', 'local', 'ephemeral', 'blk']) expect(handlers).toContain(driver);
    expect(await agent.stop()).toBe(143);
  });

  it('has storages, which containers use and its end gives back', async () => {
    await using watched = await Watched.start();
    const { client, agent } = watched;
    await client.call('CreateSandbox', { sandbox_id: 'pod', storages: [SHM] });
    expect(mountTable(agent.pid).filter((line) => line.startsWith(SHM.mount_point))).toHaveLength(1);
    const use = (run: string) =>
      TestContainer.run(client, {
        root: roots.shared,
        run,
        mounts: [mount('/dev/shm', SHM.mount_point, 'bind', 'rbind')],
      });
    expect((await use('echo hello > /dev/shm/x; df -k /dev/shm | tail -1')).stdout).toContain('65536');
    expect((await use('cat /dev/shm/x')).stdout).toBe('hello\n');
    await client.call('UpdateEphemeralMounts', {
      storages: [{ ...SHM, options: ['remount', 'size=1048576', 'fsgid=5'] }],
    });
    expect((await use('df -k /dev/shm | tail -1')).stdout).toMatch(/\s1024\s/);
    await client.call('UpdateEphemeralMounts', {});
    await client.call('RemoveStaleVirtiofsShareMounts', {});
    await client.call('OnlineCPUMem', { wait: false, nb_cpus: 1, cpu_only: true });
    await client.call('DestroySandbox', {});
    expect(await agent.exit()).toBe(0);
  });

  it('can be made twice, and keeps what runs', async () => {
    await using watched = await Watched.start();
    const { client } = watched;
    await client.call('CreateSandbox', { sandbox_id: 'pod', hostname: 'one', storages: [SHM] });
    await using container = await TestContainer.start(client, { root: roots.shared, run: 'sleep 600' });
    await client.call('CreateSandbox', { sandbox_id: 'pod', hostname: 'two', storages: [SHM] });
    expect((await container.execute('hostname')).stdout).toBe('one\n');
    expect((await TestContainer.run(client, { root: roots.shared, run: 'hostname' })).stdout).toBe('two\n');
    await watched.alive();
  });

  it('is not needed by a container', async () => {
    await using agent = await startAgent();
    const client = await agent.connect();
    expect(
      await TestContainer.run(client, { root: roots.shared, run: 'hostname; exit 4', spec: { Hostname: 'own' } }),
    ).toMatchObject({ stdout: 'own\n', status: 4 });
    expect(await agent.stop()).toBe(143);
  });

  it('writes the name servers it was given where containers bind them from', async () => {
    await using agent = await startAgent();
    const client = await agent.connect();
    await client.call('CreateSandbox', { sandbox_id: 'pod', dns: ['nameserver 192.0.2.1', '  search example.org '] });
    const file = '/run/kata-containers/sandbox/resolv.conf';
    expect(readFileSync(agent.path(file), 'utf8').trim()).toBe('nameserver 192.0.2.1\nsearch example.org');
    if (existsSync('/etc/resolv.conf'))
      expect(readFileSync(agent.path('/etc/resolv.conf'), 'utf8')).toContain('192.0.2.1');
    expect(await agent.stop()).toBe(143);
    if (existsSync('/etc/resolv.conf')) expect(readFileSync('/etc/resolv.conf', 'utf8')).not.toContain('192.0.2.1');
  });

  it('that was destroyed takes no new containers', async () => {
    await using agent = await startAgent();
    const [one, two] = [await agent.connect(), await agent.connect()];
    await one.call('CreateSandbox', { sandbox_id: 'pod' });
    const outcomes = await Promise.allSettled([one.call('DestroySandbox', {}), two.call('DestroySandbox', {})]);
    expect(outcomes[0].status).toBe('fulfilled');
    await agent.exit();
    await expectStatus(TestContainer.create(one, { root: roots.shared }), ['unavailable', 'internal']);
  });

  it('reads its settings from the file that is named on the command line', async () => {
    await using folder = await RootFilesystems.create();
    const file = `${folder.folder}/agent.toml`;
    writeFileSync(file, 'log_level = "debug"\ncontainer_pipe_size = 4096\nhttps_proxy = "http://proxy.example"\n');
    await using agent = await startAgent({ args: ['--config', file] });
    const client = await agent.connect();
    const container = await TestContainer.start(client, { root: roots.shared, run: 'yes > /dev/null & yes; ' });
    await client.check();
    await container.remove();
    expect(await agent.stop()).toBe(143);
    expect(agent.log).toContain('log_level=DEBG');
    expect(agent.log).toMatch(/https_proxy[^\n]*"level":"WARN"/);
  });
});
