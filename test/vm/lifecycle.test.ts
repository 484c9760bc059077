import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectStatus } from '../support/agent/expect-status.ts';
import { createRequest } from '../support/container/container-spec.ts';
import { freshId, TestContainer } from '../support/container/test-container.ts';
import { within } from '../support/eventually.ts';
import { amount } from '../support/long.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

const SIGTERM = 15;
const SIGKILL = 9;

describe('a container in a VM with the default initrd, over vsock', () => {
  const fixture = useVm();
  const run = (script: string | readonly string[]) => ({ root: fixture.root, run: script });

  it('runs from creation to removal, with output on both streams and its exit code', async () => {
    const outcome = await TestContainer.run(fixture.client, run('echo out; echo err >&2; exit 7'));
    expect(outcome).toEqual({ stdout: 'out\n', stderr: 'err\n', status: 7 });
  });

  it('runs in the guest, not on this machine, in a pod that has a name', async () => {
    const { stdout } = await TestContainer.run(fixture.client, run('cat /proc/cmdline; hostname'));
    expect(stdout).toContain('kihon.ready=');
    expect(stdout.endsWith('podname\n')).toBe(true);
  });

  it('waits for StartContainer before its program runs', async () => {
    await using container = await TestContainer.create(fixture.client, run('echo started'));
    expect(await container.execute('echo early')).toEqual({ stdout: 'early\n', stderr: '', status: 0 });
    const output = container.stdout();
    expect(await Promise.race([output, fixture.client.check().then(() => 'nothing yet')])).toBe('nothing yet');
    await container.start();
    expect(await output).toBe('started\n');
    expect(await container.wait()).toBe(0);
  });

  it('is refused with the name of a program that does not exist, and its id is free again', async () => {
    const id = freshId();
    const missing = createRequest(id, run(['/nope', 'x']));
    await expectStatus(fixture.client.call('CreateContainer', missing), 'internal', '/nope');
    expect((await TestContainer.run(fixture.client, run('exit 3'), id)).status).toBe(3);
  });

  it('writes into its root file system on the host, and sees what the host writes there', async () => {
    const name = freshId('file');
    writeFileSync(join(fixture.vm.share, 'roots/busybox', `${name}-in`), 'from the host\n');
    const { stdout } = await TestContainer.run(fixture.client, run(`cat /${name}-in; echo done > /${name}-out; ls /`));
    expect(stdout).toMatch(/^from the host\n/);
    expect(stdout).toContain(`${name}-out`);
  });

  describe('with other processes', () => {
    it('has execs that see its namespaces, with their own input, output and exit code', async () => {
      await using container = await TestContainer.start(fixture.client, run('sleep 600'));
      const names = 'mnt pid ipc uts';
      const outcome = await container.execute(
        `for p in self 1; do for i in ${names}; do readlink /proc/$p/ns/$i; done; done`,
      );
      const lines = outcome.stdout.trim().split('\n');
      expect(lines).toHaveLength(8);
      expect(lines.slice(0, 4)).toEqual(lines.slice(4));
      const cat = await container.exec(['cat']);
      expect(await cat.write('hello stdin\n')).toBe(12);
      expect(await cat.read()).toBe('hello stdin\n');
      await cat.closeStdin();
      expect(await cat.finish()).toMatchObject({ stderr: '', status: 0 });
      expect(await container.execute('exit 3')).toMatchObject({ status: 3 });
      await expectStatus(container.exec('true', { execId: container.id }), ['already_exists', 'internal']);
    });

    it('is killed as a whole, children in the background included', async () => {
      await using container = await TestContainer.start(
        fixture.client,
        run('sleep 600 & sleep 601 & echo up; trap "" TERM; while :; do sleep 1; done'),
      );
      await container.readUntil('up');
      const exec = await container.exec(['sleep', '602']);
      await container.killAll();
      expect(await exec.wait()).toBe(128 + SIGKILL);
      expect(await container.wait()).toBe(128 + SIGKILL);
      expect((await container.stats())?.pids_stats?.current).toBe(0n);
      await container.killAll();
    });

    it('has one process killed and goes on', async () => {
      await using container = await TestContainer.start(fixture.client, run(['sleep', '600']));
      const victim = await container.exec(['sleep', '600']);
      const other = await container.exec(['sleep', '600']);
      await victim.signal(SIGTERM);
      expect(await victim.wait()).toBe(128 + SIGTERM);
      await expectStatus(victim.signal(SIGTERM), 'not_found');
      await other.signal(SIGKILL);
      expect(await other.wait()).toBe(128 + SIGKILL);
      await expectStatus(container.signal(65), ['internal', 'invalid_argument']);
      // Not handled by init, so SIGKILL takes its place.
      await container.signal(SIGTERM);
      expect(await container.wait()).toBe(128 + SIGKILL);
      await expectStatus(container.wait(), 'not_found');
    });
  });

  it('is told apart from one that does not exist, over the whole API', async () => {
    const ids = { container_id: 'none-such', exec_id: 'none-such' };
    const { client } = fixture;
    for (const method of ['StartContainer', 'RemoveContainer', 'PauseContainer', 'StatsContainer'] as const)
      await expectStatus(client.call(method, { container_id: 'none-such' }), [
        'invalid_argument',
        'not_found',
        'internal',
      ]);
    await expectStatus(client.call('WaitProcess', ids), ['invalid_argument', 'not_found', 'internal']);
    await expectStatus(client.call('SignalProcess', { ...ids, signal: 9 }), [
      'invalid_argument',
      'not_found',
      'internal',
    ]);
  });

  it('is not waited for longer than the caller wants', async () => {
    await using container = await TestContainer.start(fixture.client, run('sleep 600'));
    const ids = { container_id: container.id, exec_id: '' };
    const late = fixture.client.call('WaitProcess', ids, { timeoutMs: 300 });
    await expectStatus(within(20_000, 'the deadline', late), 'deadline_exceeded');
    const read = fixture.client.call('ReadStdout', { ...ids, len: 100 }, { timeoutMs: 300 });
    await expectStatus(within(20_000, 'the deadline', read), 'deadline_exceeded');
    await expectStatus(fixture.client.call('GetOOMEvent', {}, { timeoutMs: 300 }), 'deadline_exceeded');
    const pending = container.wait();
    await container.signal(SIGKILL);
    expect(await pending).toBe(128 + SIGKILL);
  });

  it('is removed while it runs, while it was never started, and while somebody waits for it', async () => {
    const running = await TestContainer.start(fixture.client, run('sleep 600'));
    const never = await TestContainer.create(fixture.client, run('sleep 600'));
    const waiting = running.wait().then(
      (status) => `status ${status}`,
      () => 'an error',
    );
    await running.remove();
    await never.remove();
    expect(['an error', 'status 137']).toContain(await within(20_000, 'the end of the wait', waiting));
    await expectStatus(running.remove(), ['internal', 'not_found', 'invalid_argument']);
  });

  it('is one of 20 at once, each with its own output', async () => {
    const count = amount(20, 40);
    const containers = await Promise.all(
      Array.from({ length: count }, async (_, index) =>
        TestContainer.start(fixture.client, run(`read line; echo "$line from ${index}"; exit ${index}`)),
      ),
    );
    // All are there before the first may end.
    for (const container of containers) expect((await container.stats())?.pids_stats?.current).toBe(1n);
    const outcomes = await Promise.all(
      containers.map(async (container, index) => {
        await container.write(`line ${index}\n`);
        return await container.finish();
      }),
    );
    expect(outcomes).toEqual(
      outcomes.map((_, index) => ({ stdout: `line ${index} from ${index}\n`, stderr: '', status: index })),
    );
    await Promise.all(containers.map((container) => container.remove()));
  });

  it('answers on many connections at once', async () => {
    await using container = await TestContainer.start(fixture.client, run('sleep 600'));
    const clients = await Promise.all(Array.from({ length: 8 }, async () => await fixture.vm.connect()));
    const blocked = clients.map((client) =>
      client.call('ReadStdout', { container_id: container.id, exec_id: '', len: 1 }).catch(() => undefined),
    );
    await Promise.all(clients.map((client) => client.check()));
    for (const client of clients) client.close();
    await Promise.all(blocked);
    await fixture.client.check();
  });
});
