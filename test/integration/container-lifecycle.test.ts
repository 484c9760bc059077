import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useAgent } from '../support/agent/agent-fixture.ts';
import { expectStatus } from '../support/agent/expect-status.ts';
import { createRequest } from '../support/container/container-spec.ts';
import { freshId, TestContainer } from '../support/container/test-container.ts';
import { eventually, within } from '../support/eventually.ts';

const SIGKILL = 9;
const SIGTERM = 15;

describe('a container', () => {
  const fixture = useAgent();
  const run = (options: Parameters<typeof TestContainer.start>[1]['run']) => ({ root: fixture.root, run: options });

  it('runs from creation to removal, with output on both streams and its exit code', async () => {
    const outcome = await TestContainer.run(fixture.client, run('echo out; echo err >&2; exit 7'));
    expect(outcome).toEqual({ stdout: 'out\n', stderr: 'err\n', status: 7 });
  });

  it('waits for StartContainer before its program runs', async () => {
    await using container = await TestContainer.create(fixture.client, run('echo started'));
    const output = container.stdout();
    expect(await Promise.race([output, fixture.client.check().then(() => 'nothing yet')])).toBe('nothing yet');
    await container.start();
    expect(await output).toBe('started\n');
    expect(await container.wait()).toBe(0);
  });

  it('takes execs before it is started', async () => {
    await using container = await TestContainer.create(fixture.client, run('sleep 600'));
    expect(await container.execute('echo early')).toEqual({ stdout: 'early\n', stderr: '', status: 0 });
  });

  it('is refused with the name of a program that does not exist, and its id is free again', async () => {
    const id = freshId();
    const missing = createRequest(id, run(['/nope', 'x']));
    await expectStatus(fixture.client.call('CreateContainer', missing), 'internal', '/nope');
    const bare = createRequest(id, run(['no-such-tool']));
    await expectStatus(fixture.client.call('CreateContainer', bare), 'internal', 'no-such-tool', 'was not found');
    expect((await TestContainer.run(fixture.client, run('exit 3'), id)).status).toBe(3);
  });

  it('exits with the error number when its program cannot be executed', async () => {
    const root = await fixture.roots.copy();
    writeFileSync(join(root, 'data'), 'no program', { mode: 0o644 });
    const container = await TestContainer.start(fixture.client, { root, run: ['/data'] });
    expect(await container.wait()).toBe(13);
    await container.remove();
    writeFileSync(join(root, 'data2'), '\x7fELF but not really', { mode: 0o755 });
    const second = await TestContainer.start(fixture.client, { root, run: ['/data2'] });
    expect(await second.wait()).toBe(8);
    await second.remove();
  });

  it('is not disturbed by a second create or start', async () => {
    await using container = await TestContainer.start(fixture.client, run('sleep 600'));
    const again = fixture.client.call('CreateContainer', createRequest(container.id, run('true')));
    await expectStatus(again, 'already_exists', container.id);
    await expectStatus(container.start(), 'internal');
    expect(await container.execute('echo still here')).toMatchObject({ stdout: 'still here\n', status: 0 });
  });

  it.each([0, 1, 42, 126, 127, 255])('reports the exit code %i', async (code) => {
    expect((await TestContainer.run(fixture.client, run(`exit ${code}`))).status).toBe(code);
  });

  it('reports 128 plus the signal for a process that was killed', async () => {
    await using container = await TestContainer.start(fixture.client, run('sleep 600'));
    const exec = await container.exec('kill -USR1 $$');
    expect(await exec.wait()).toBe(128 + 10);
    const other = await container.exec(['sleep', '600']);
    await other.signal(SIGTERM);
    expect(await other.wait()).toBe(128 + SIGTERM);
    await container.signal(SIGKILL);
    expect(await container.wait()).toBe(128 + SIGKILL);
  });

  it('turns SIGTERM into SIGKILL for an init that does not handle it', async () => {
    await using container = await TestContainer.start(fixture.client, run(['sleep', '600']));
    await container.signal(SIGTERM);
    expect(await container.wait()).toBe(128 + SIGKILL);
  });

  it('leaves SIGTERM to an init that handles or ignores it', async () => {
    await using container = await TestContainer.start(
      fixture.client,
      run('trap "exit 42" TERM; echo ready; while :; do sleep 0.05; done'),
    );
    await container.readUntil('ready');
    await container.signal(SIGTERM);
    expect(await container.wait()).toBe(42);
    await using stubborn = await TestContainer.start(
      fixture.client,
      run('trap "" TERM; echo ready; while :; do sleep 0.05; done'),
    );
    await stubborn.readUntil('ready');
    await stubborn.signal(SIGTERM);
    expect((await stubborn.execute('kill -0 1')).status).toBe(0);
  });

  it('is addressed as its first process by the empty exec id and by its own id', async () => {
    // It ends when its input does, so both calls wait by then: one that came after the first answer would not find it.
    await using container = await TestContainer.start(fixture.client, run('read line; exit 5'));
    const ids = { container_id: container.id };
    const waits = Promise.all([
      fixture.client.call('WaitProcess', { ...ids, exec_id: '' }),
      fixture.client.call('WaitProcess', { ...ids, exec_id: container.id }),
    ]);
    await fixture.client.call('CloseStdin', { ...ids, exec_id: container.id });
    const both = await waits;
    expect(both.map((answer) => answer.status)).toEqual([5, 5]);
    await expectStatus(container.wait(), 'not_found', 'InitProcessNotFound');
    await expectStatus(fixture.client.call('WaitProcess', { ...ids, exec_id: 'other' }), 'not_found', 'InvalidExecId');
  });

  it('answers signals to a dead process until it was waited for', async () => {
    await using container = await TestContainer.start(fixture.client, run('exit 0'));
    await container.stdout();
    await container.signal(SIGKILL);
    await container.signal(SIGTERM);
    expect(await container.wait()).toBe(0);
    await expectStatus(container.signal(SIGTERM), 'not_found', 'InitProcessNotFound');
    await container.killAll();
  });

  it('refuses signal numbers that do not exist', async () => {
    await using container = await TestContainer.start(fixture.client, run('sleep 600'));
    await expectStatus(container.signal(65), ['internal', 'invalid_argument'], 'signal');
    await container.signal(0);
  });

  it('loses all its processes on SIGKILL to the whole, again and again', async () => {
    await using container = await TestContainer.start(fixture.client, run('sleep 600 & sleep 601 & echo up; wait'));
    await container.readUntil('up');
    const exec = await container.exec('sleep 602');
    await container.killAll();
    expect(await container.wait()).toBe(137);
    expect(await exec.wait()).toBe(137);
    await container.killAll();
  });

  it('shows its waiters the same status and then forgets it', async () => {
    // It ends with its input: a wait that came after the first answer would not find it.
    await using container = await TestContainer.start(fixture.client, run('read line; exit 9'));
    const waits = Promise.all(Array.from({ length: 10 }, () => container.wait()));
    await container.closeStdin();
    expect(new Set(await waits)).toEqual(new Set([9]));
    await expectStatus(container.wait(), 'not_found', 'InitProcessNotFound');
  });

  it('can be paused and resumed, and not out of turn', async () => {
    await using container = await TestContainer.start(
      fixture.client,
      run('i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done'),
    );
    await container.readUntil('\n');
    await expectStatus(container.resume(), 'internal');
    await container.pause();
    await expectStatus(container.pause(), 'internal');
    const request = { container_id: container.id, len: 1 << 20 };
    // When what it wrote before has been read.
    await eventually(() =>
      expectStatus(fixture.client.call('ReadStdout', request, { timeoutMs: 500 }), 'deadline_exceeded'),
    );
    await container.resume();
    expect(await container.read()).toMatch(/^\d/);
  });

  it('refuses an exec while it is paused instead of hanging', async () => {
    await using container = await TestContainer.start(fixture.client, run('sleep 600'));
    await container.pause();
    await expectStatus(
      within(20_000, 'the exec', container.exec('true')),
      ['internal', 'failed_precondition'],
      'pause',
    );
    await container.resume();
    expect((await container.execute('exit 4')).status).toBe(4);
  });

  it.each(['created', 'running', 'paused', 'exited', 'waited for'])('can be removed when it is %s', async (state) => {
    const container = await TestContainer.create(fixture.client, run(state === 'running' ? 'sleep 600' : 'sleep 0.01'));
    if (state === 'paused') {
      await container.start();
      await container.pause();
    } else if (state !== 'created') await container.start();
    if (state === 'exited') await container.stdout();
    if (state === 'waited for') await container.wait();
    await container.remove();
    await expectStatus(container.remove(), 'not_found', 'Invalid container id');
  });

  it('ends a wait for it when it is removed', async () => {
    const container = await TestContainer.start(fixture.client, run('sleep 600'));
    const exec = await container.exec('sleep 600');
    const waits = [container.wait(), exec.wait()].map((wait) =>
      wait.then(
        (status) => ({ status }),
        (error: unknown) => ({ error }),
      ),
    );
    await container.remove();
    for (const outcome of await within(20_000, 'the waits', Promise.all(waits))) {
      if ('status' in outcome) expect(outcome.status).toBe(137);
    }
  });

  it('counts its CPU time in nanoseconds', async () => {
    await using container = await TestContainer.start(fixture.client, run('while :; do :; done'));
    const usage = async () => (await container.stats())?.cpu_stats?.cpu_usage?.total_usage ?? 0n;
    const first = await eventually(async () => {
      const now = await usage();
      expect(now).toBeGreaterThan(1_000_000n);
      return now;
    });
    await eventually(async () => expect(await usage()).toBeGreaterThan(first));
  });

  it('leaves no cgroup and no folder when it is removed', async () => {
    const container = await TestContainer.start(fixture.client, run('sleep 600'));
    await container.remove();
    const { takeBaseline } = await import('../support/agent/baseline.ts');
    const { cgroups, state } = takeBaseline(fixture.agent);
    expect(cgroups.filter((name) => name.includes(container.id))).toEqual([]);
    expect(state.filter((name) => name.includes(container.id))).toEqual([]);
  });
});
