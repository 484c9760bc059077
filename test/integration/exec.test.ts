import { describe, expect, it } from 'vitest';
import { useAgent } from '../support/agent/agent-fixture.ts';
import { expectStatus } from '../support/agent/expect-status.ts';
import { processSpec } from '../support/container/container-spec.ts';
import { freshId, TestContainer } from '../support/container/test-container.ts';

describe('an exec', () => {
  const fixture = useAgent();
  const start = (run: string | readonly string[] = 'sleep 600') =>
    TestContainer.start(fixture.client, { root: fixture.root, run });

  it('runs beside the first process, with its own streams and exit code', async () => {
    await using container = await start();
    const outcome = await container.execute('echo out; echo err >&2; exit 17');
    expect(outcome).toEqual({ stdout: 'out\n', stderr: 'err\n', status: 17 });
  });

  it('may reuse an id once it was waited for, and not before', async () => {
    await using container = await start();
    const execId = freshId('e');
    const first = await container.exec('exit 1', { execId });
    await first.stdout();
    await expectStatus(container.exec('exit 2', { execId }), 'already_exists', execId);
    expect(await first.wait()).toBe(1);
    const second = await container.exec('exit 2', { execId });
    expect(await second.wait()).toBe(2);
    await expectStatus(second.wait(), 'not_found', 'InvalidExecId');
  });

  it('has an id of its own container only', async () => {
    await using one = await start();
    await using two = await start();
    const execId = freshId('same');
    const [a, b] = await Promise.all([one.exec('echo a; exit 1', { execId }), two.exec('echo b; exit 2', { execId })]);
    expect(await a.finish()).toEqual({ stdout: 'a\n', stderr: '', status: 1 });
    expect(await b.finish()).toEqual({ stdout: 'b\n', stderr: '', status: 2 });
  });

  it('that names a missing program fails and leaves its id free', async () => {
    await using container = await start();
    const execId = freshId('e');
    await expectStatus(container.exec(['/nope'], { execId }), 'internal', '/nope', 'was not found');
    await expectStatus(container.exec(['nope'], { execId }), 'internal', 'nope', 'was not found');
    const later = await container.exec('exit 6', { execId });
    expect(await later.wait()).toBe(6);
  });

  it('needs its working directory to exist', async () => {
    await using container = await start();
    await expectStatus(container.exec('true', { process: { Cwd: '/not/there' } }), 'internal', '/not/there', 'ENOENT');
    expect((await container.execute('pwd', { process: { Cwd: '/tmp' } })).stdout).toBe('/tmp\n');
  });

  it('is in the namespaces, the root and the cgroup of its container', async () => {
    await using container = await start(
      'for n in mnt uts ipc pid net cgroup; do readlink /proc/self/ns/$n; done; sleep 600',
    );
    const its = await container.readUntil('cgroup:[');
    const outcome = await container.execute('for n in mnt uts ipc pid net cgroup; do readlink /proc/self/ns/$n; done');
    expect(outcome.stdout.trim().split('\n').sort()).toEqual(its.trim().split('\n').sort());
    expect((await container.execute('cat /proc/self/cgroup')).stdout).toMatch(/^0::\/$/m);
    expect((await container.execute('ls /proc/1/root/')).stdout).toBe((await container.execute('ls /')).stdout);
  });

  it('gets the capabilities of the container when it names none, and its own otherwise', async () => {
    await using container = await start();
    const execId = freshId('e');
    const { Capabilities: _, ...without } = processSpec({ run: 'grep ^Cap /proc/self/status' });
    await fixture.client.call('ExecProcess', { container_id: container.id, exec_id: execId, process: without });
    const { TestProcess } = await import('../support/container/test-container.ts');
    const inherited = await new TestProcess(fixture.client, container.id, execId).stdout();
    expect(inherited).toContain('CapBnd:\t00000000a80425fb');
    expect(inherited).toContain('CapEff:\t00000000a80425fb');
    const few = ['CAP_KILL'];
    const own = await container.execute('grep ^Cap /proc/self/status', {
      process: { Capabilities: { Bounding: few, Effective: few, Permitted: few } },
    });
    expect(own.stdout).toContain('CapEff:\t0000000000000020');
    expect(own.stdout).toContain('CapBnd:\t0000000000000020');
  });

  it('runs as the user, with the groups and the limits it was given', async () => {
    await using container = await start();
    const outcome = await container.execute('id -u; id -g; id -G; ulimit -n; grep NoNewPrivs /proc/self/status', {
      process: {
        User: { UID: 1000, GID: 1001, AdditionalGids: [5, 6] },
        Rlimits: [{ Type: 'RLIMIT_NOFILE', Hard: 99n, Soft: 77n }],
        NoNewPrivileges: true,
      },
    });
    expect(outcome.stdout).toBe('1000\n1001\n1001 5 6\n77\nNoNewPrivs:\t1\n');
  });

  it('has only the descriptors 0, 1 and 2', async () => {
    await using container = await start('ls /proc/self/fd; sleep 600');
    // `ls` itself opens one more, the folder it lists.
    expect((await container.readUntil('3\n')).trim().split(/\s+/)).toEqual(['0', '1', '2', '3']);
    expect((await container.execute(['ls', '/proc/self/fd'])).stdout.trim().split('\n')).toEqual(['0', '1', '2', '3']);
  });

  it('keeps exit codes apart when many run at once', async () => {
    await using container = await start();
    const codes = Array.from({ length: 24 }, (_, index) => (index * 11) % 256);
    const outcomes = await Promise.all(codes.map((code) => container.execute(`echo ${code}; exit ${code}`)));
    expect(outcomes).toEqual(codes.map((code) => ({ stdout: `${code}\n`, stderr: '', status: code })));
  });

  it('fails once the first process has ended', async () => {
    await using container = await start('exit 0');
    expect(await container.wait()).toBe(0);
    await expectStatus(container.exec('true'), ['internal', 'not_found']);
  });
});
