import { describe, expect, it } from 'vitest';
import { TestContainer } from '../support/container/test-container.ts';
import { eventually } from '../support/eventually.ts';
import { amount } from '../support/long.ts';
import { privileged } from '../support/vm/run-program.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

const SIGHUP = 1;
const SIGINT = 2;
const SIGKILL = 9;

describe('LIV-12: signals and reboots', () => {
  const fixture = useVm({ hasWitness: true });
  const bootProcess = privileged('CAP_SYS_BOOT').process ?? {};
  const start = (run: string | readonly string[], ...capabilities: string[]) =>
    TestContainer.start(fixture.client, { root: fixture.root, run, ...privileged(...capabilities) });

  it('every signal from the guest’s own pid namespace leaves PID 1 as it was', async () => {
    await using bystander = await start('sleep 600');
    const rounds = amount(100, 1000);
    const flood = `s=1; while [ $s -le 64 ]; do i=0; while [ $i -lt ${rounds} ]; do kill -$s 1; i=$((i+1)); done; s=$((s+1)); done; echo sent`;
    const sent = fixture.vm.witness(flood);
    // Meanwhile, calls are answered.
    await fixture.client.check();
    expect(await bystander.execute('echo during')).toMatchObject({ stdout: 'during\n' });
    expect(await sent).toBe('sent\n');
    expect(
      await fixture.vm.witness("cat /proc/1/comm; sed -n 's/^State:\t\\(.\\).*/\\1/p' /proc/1/status"),
    ).not.toMatch(/^[TtZ]$/m);
    await fixture.client.check();
    expect(await bystander.execute('echo after')).toMatchObject({ stdout: 'after\n', status: 0 });
  });

  it('PID 1 still reaps what becomes its child', async () => {
    // The witness's grandchildren lose their parent and end as zombies of PID 1, unless it waits for them.
    await fixture.vm.witness('i=0; while [ $i -lt 50 ]; do (sleep 0.1 &) ; i=$((i+1)); done; sleep 1');
    const count =
      "for f in /proc/[0-9]*/status; do grep -q '^State:.Z' $f && grep -q '^PPid:.1$' $f && echo zombie; done | wc -l";
    await eventually(async () => expect((await fixture.vm.witness(count)).trim()).toBe('0'));
  });

  it.each([
    ['reboot -f', 'SIGHUP', SIGHUP],
    ['poweroff -f', 'SIGINT', SIGINT],
    ['halt -f', 'SIGINT', SIGINT],
  ])('`%s` in a container ends that container with %s, and only that', async (command, _, signal) => {
    await using neighbour = await start('sleep 600', 'CAP_SYS_BOOT');
    await using container = await start('sleep 600', 'CAP_SYS_BOOT');
    const exec = await container.exec(command, { process: bootProcess });
    expect(await container.wait()).toBe(128 + signal);
    // The caller's own reboot(2) is its exit, with status 0 (reboot(2), "Behavior inside PID namespaces"; do_exit in the kernel).
    expect([0, 128 + SIGKILL]).toContain(await exec.wait());
    expect(await neighbour.execute('echo alive')).toMatchObject({ stdout: 'alive\n', status: 0 });
  });

  it('a reboot without the right to it is refused', async () => {
    await using container = await start('sleep 600');
    expect((await container.execute('reboot -f')).status).not.toBe(0);
    expect(await container.execute('echo still here')).toMatchObject({ stdout: 'still here\n' });
  });

  it('a container with CAP_KILL kills in its own pid namespace, and nowhere else', async () => {
    await using stranger = await start('sleep 600');
    await using container = await start('trap "" TERM; sleep 600 & sleep 601 & while :; do sleep 1; done', 'CAP_KILL');
    const killer = await container.exec('kill -9 -1; echo survived');
    expect(await killer.wait()).toBe(0);
    expect(await stranger.execute('ls -d /proc/[0-9]* | wc -l')).toMatchObject({ status: 0 });
    await fixture.client.check();
    await container.killAll();
    expect(await container.wait()).toBe(128 + SIGKILL);
  });
});

describe('LIV-12: containers that share a pid namespace', () => {
  const fixture = useVm();

  it('can end each other, and nobody else', async () => {
    const { client, root } = fixture;
    await using first = await TestContainer.start(client, {
      root,
      run: 'trap : TERM; while :; do sleep 1; done',
      linux: {},
    });
    await using second = await TestContainer.start(client, {
      root,
      run: 'sleep 600',
      request: { sandbox_pidns: true },
    });
    await using apart = await TestContainer.start(client, { root, run: 'sleep 600' });
    const pids = (container: TestContainer) =>
      container.execute('ls -l /proc/1/ns/pid /proc/self/ns/pid | sed "s/.*pid://"');
    expect((await pids(first)).stdout).toBe((await pids(second)).stdout);
    expect((await pids(apart)).stdout).not.toBe((await pids(first)).stdout);
    const exec = await first.exec('kill -9 -1');
    await exec.wait();
    expect(await second.wait()).toBe(128 + SIGKILL);
    await client.check();
    expect(await apart.execute('echo alive')).toMatchObject({ stdout: 'alive\n', status: 0 });
    // The namespace's first process is immune to its own kind, and its end is the end of the rest.
    expect(await first.execute('echo alive')).toMatchObject({ stdout: 'alive\n' });
  });
});
