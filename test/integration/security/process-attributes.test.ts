import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { expectStatus } from '../../support/agent/expect-status.ts';
import { createRequest } from '../../support/container/container-spec.ts';
import { freshId, TestContainer } from '../../support/container/test-container.ts';
import type { Edit } from '../../support/oci-bundle.ts';
import { useOwnRuntime } from '../../support/own-runtime.ts';

/** Everything a child has from its parent, a line each. Fields of stat: nice, realtime priority, policy. */
const inheritance = [
  'grep -E "^(SigBlk|SigIgn|SigCgt|NoNewPrivs|THP_enabled|Cpus_allowed_list|Groups):" /proc/self/status',
  'umask; cat /proc/self/oom_score_adj /proc/self/timerslack_ns /proc/self/personality',
  'cut -d" " -f19,40,41 /proc/self/stat; ls /proc/self/fd | grep -vE "^[0-3]$"; echo end',
].join('; ');

const allCpus = readFileSync('/proc/self/status', 'utf8').match(/Cpus_allowed_list:\t(.*)/)?.[1] ?? '';

/** What `inheritance` prints of a process with the kernel's defaults. */
const defaults = (noNewPrivileges: 0 | 1): string[] => [
  ...['Groups:\t ', 'SigBlk:\t0000000000000000', 'SigIgn:\t0000000000000000', 'SigCgt:\t0000000000000000'],
  ...[`NoNewPrivs:\t${noNewPrivileges}`, `Cpus_allowed_list:\t${allCpus}`],
  ...['0022', '0', '50000', '00000000', '0 0 0', 'end'],
];

/** The shell handles SIGCHLD and the like; what matters is what it found. */
const withoutThp = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('THP_enabled:\t1'));

describe('PRV-13: a process of the agent', () => {
  const fixture = useAgent();
  const process = { User: { UID: 0, GID: 0 } };

  it('inherits nothing, neither init nor exec', async () => {
    const options = { root: fixture.root, run: `${inheritance}; sleep 600`, process };
    await using container = await TestContainer.start(fixture.client, options);
    expect(withoutThp(await container.readUntil('end\n'))).toEqual(defaults(1));
    expect(withoutThp((await container.execute(inheritance, { process })).stdout)).toEqual(defaults(1));
  });

  it('ends with SIGTERM when it is a plain program', async () => {
    const container = await TestContainer.start(fixture.client, { root: fixture.root, run: 'sleep 600 & wait' });
    const exec = await container.exec(['sleep', '600']);
    await exec.signal(15);
    expect(await exec.wait()).toBe(143);
    await container.remove();
  });

  it('CGN-07 kernel parameters are refused unless they belong to a namespace of the container', async () => {
    const before = readFileSync('/proc/sys/kernel/core_pattern', 'utf8');
    const refused: readonly (readonly [string, string])[] = [
      ['kernel.core_pattern', 'x'],
      ['vm.swappiness', '1'],
      ['fs.file-max', '1'],
      ['user.max_user_namespaces', '1'],
      ['kernel.hostname', 'x'],
      ['net/../kernel/core_pattern', 'x'],
      ['net.//core_pattern', 'x'],
      ['net..ipv4', 'x'],
      ['net', 'x'],
      ['kernel.shm_rmid_forced', '1\nkernel.core_pattern=x'],
      ['kernel.shm_rmid_forced\0', '1'],
      ['', '1'],
    ];
    for (const [key, value] of refused) {
      const Sysctl = new Map([[key, value]]);
      const request = createRequest(freshId(), { root: fixture.root, linux: { Sysctl } });
      await expectStatus(fixture.client.call('CreateContainer', request), ['invalid_argument'], /./);
    }
    const Sysctl = new Map([['kernel.shm_rmid_forced', '1+kernel.core_pattern=x']]);
    const request = createRequest(freshId(), { root: fixture.root, linux: { Sysctl } });
    await expectStatus(fixture.client.call('CreateContainer', request), ['internal'], /EINVAL/);
    expect(readFileSync('/proc/sys/kernel/core_pattern', 'utf8')).toBe(before);
  });
});

describe('a process of kihon-oci', () => {
  const fixture = useOwnRuntime();
  const output = async (run: string | readonly string[], edit?: Edit): Promise<string> => {
    const outcome = await fixture.runtime.run(run, edit);
    expect(outcome.stderr).toBe('');
    return outcome.stdout;
  };

  it('PRV-13 inherits nothing of a command that was started with little priority, few CPUs and ignored signals', async () => {
    const { runtime, machine } = fixture;
    const container = await runtime.prepare(inheritance);
    const words = `${runtime.argv.join(' ')} --root ${runtime.stateFolder} run --bundle ${container.bundle.path} ${container.id}`;
    const cpu = allCpus.split(/[-,]/)[0] ?? '0';
    const script = `trap '' HUP USR1; umask 077; exec nice -n 7 taskset -c ${cpu} setarch -R chrt -b 0 ${words}`;
    const outcome = await machine.command(['sh', '-c', script]);
    expect(withoutThp(outcome.stdout)).toEqual(defaults(1));
  });

  it('PRV-13 inherits no priority beside a policy that has none', async () => {
    const { runtime, machine } = fixture;
    const program = ['cut', '-d', ' ', '-f19,40,41', '/proc/self/stat'];
    const container = await runtime.prepare(
      program,
      ({ process }) => (process['scheduler'] = { policy: 'SCHED_IDLE' }),
    );
    const run = ['run', '--bundle', container.bundle.path, container.id];
    const { stdout } = await machine.command([
      'nice',
      '-n',
      '7',
      ...runtime.argv,
      '--root',
      runtime.stateFolder,
      ...run,
    ]);
    expect(stdout).toBe('0 0 5\n');
  });

  it.each([
    ['SCHED_OTHER', { nice: 7 }, '7 0 0'],
    ['SCHED_BATCH', { nice: -5 }, '-5 0 3'],
    ['SCHED_IDLE', {}, '0 0 5'],
    ['SCHED_FIFO', { priority: 3 }, '0 3 1'],
    ['SCHED_RR', { priority: 99, flags: ['SCHED_FLAG_RESET_ON_FORK'] }, '0 99 2'],
    ['SCHED_DEADLINE', { runtime: 1_000_000, deadline: 100_000_000, period: 100_000_000 }, '0 0 6'],
  ])('is scheduled by %s', async (policy, more, expected) => {
    const program = ['cut', '-d', ' ', '-f19,40,41', '/proc/self/stat'];
    expect(await output(program, ({ process }) => (process['scheduler'] = { policy, ...more }))).toBe(`${expected}\n`);
  });

  it('has an I/O priority, an execution domain and a memory policy', async () => {
    const io = await output(
      'ionice -p $$',
      ({ process }) => (process['ioPriority'] = { class: 'IOPRIO_CLASS_BE', priority: 6 }),
    );
    expect(io).toBe('best-effort: prio 6\n');
    expect(
      await output('cat /proc/self/personality', ({ linux }) => (linux['personality'] = { domain: 'LINUX32' })),
    ).toBe('00000008\n');
    const policy = { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] };
    expect(await output('head -n 1 /proc/self/numa_maps', ({ linux }) => (linux['memoryPolicy'] = policy))).toContain(
      'bind=static:0',
    );
  });

  it('has them in an exec as well, and CPUs of its own there', async () => {
    const cpu = allCpus.split(/[-,]/)[0] ?? '0';
    const container = await fixture.runtime.create('sleep 600', ({ process, linux }) => {
      process['scheduler'] = { policy: 'SCHED_BATCH', nice: 3 };
      process['execCPUAffinity'] = { initial: cpu, final: cpu };
      process.user.umask = 0o27;
      linux['personality'] = { domain: 'LINUX32' };
    });
    await container.start();
    const { stdout } = await container.exec(
      'cut -d" " -f19,41 /proc/self/stat; cat /proc/self/personality; umask; grep Cpus_allowed_list /proc/self/status',
    );
    expect(stdout).toBe(`3 3\n00000008\n0027\nCpus_allowed_list:\t${cpu}\n`);
  });

  it('finds the loopback interface of its own network up', async () => {
    expect(await output('ip link show lo')).toContain('UP');
  });

  it.each<[string, Edit, RegExp]>([
    ['oomScoreAdj', ({ process }) => (process.oomScoreAdj = -1001), /oomScoreAdj/],
    ['rlimit', ({ process }) => (process.rlimits = [{ type: 'RLIMIT_FOO', soft: 1, hard: 1 }]), /RLIMIT_FOO/],
    ['nodes', ({ linux }) => (linux['memoryPolicy'] = { mode: 'MPOL_BIND', nodes: '1000' }), /memoryPolicy.*1000/],
    ['personality', ({ linux }) => (linux['personality'] = { domain: 'LINUX', flags: ['X'] }), /personality/],
    ['device', ({ linux }) => (linux['netDevices'] = { 'kihon-none': {} }), /netDevices.*kihon-none.*no such device/],
    ['resctrl', ({ linux }) => (linux['intelRdt'] = { closID: '../x' }), /intelRdt/],
    ['a sysctl that is not there', ({ linux }) => (linux.sysctl = { 'net.kihon': '1' }), /net\/kihon.*ENOENT/],
    ['an unmapped user', (config) => (config.process.user.uid = 4294967295), /user\.uid/],
  ])('is refused with a reason when the %s cannot be had', async (_name, edit, reason) => {
    expect(await fixture.runtime.refusal(edit)).toMatch(reason);
  });

  it('CGN-07 net.* is refused without a network of its own', async () => {
    const refusal = await fixture.runtime.refusal(({ linux }) => {
      linux.namespaces = linux.namespaces.filter(({ type }) => type !== 'network');
      linux.sysctl = { 'net.ipv4.ip_forward': '1' };
    });
    expect(refusal).toMatch(/net\.ipv4\.ip_forward.*network namespace/);
  });
});
