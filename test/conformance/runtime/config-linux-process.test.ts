import { expect } from 'vitest';
import { capabilityNumbers, statusField } from '../support/facts.ts';
import { section } from '../support/section.ts';

const CAP_CHOWN = 0;
const CAP_KILL = 5;
const CAP_NET_BIND_SERVICE = 10;

/** Fields of /proc/self/stat, counted as in proc(5), of the shell that runs the script. */
const STAT = 'cat /proc/self/stat';
const statField = (stat: string, number: number): string =>
  stat
    .trim()
    .replace(/^.*\) /, '')
    .split(' ')[number - 3] ?? '';

section('config.md#linux-process', ({ promise, operation }) => {
  promise('capabilities: each of the five sets is what was asked for', async (runner) => {
    const { stdout } = await runner.run(['/bin/cat', '/proc/self/status'], (config) => {
      config.process.capabilities = {
        bounding: ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'],
        permitted: ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'],
        effective: ['CAP_CHOWN', 'CAP_NET_BIND_SERVICE'],
        inheritable: ['CAP_NET_BIND_SERVICE'],
        ambient: ['CAP_NET_BIND_SERVICE'],
      };
      // Root gets back what is bounding at execve (capabilities(7)), so only another user shows all the sets.
      config.process.user = { uid: 1000, gid: 1000 };
    });
    const set = (name: string): number[] => capabilityNumbers(statusField(stdout, name));
    expect(set('CapBnd')).toEqual([CAP_CHOWN, CAP_KILL, CAP_NET_BIND_SERVICE]);
    expect(set('CapInh')).toEqual([CAP_NET_BIND_SERVICE]);
    expect(set('CapAmb')).toEqual([CAP_NET_BIND_SERVICE]);
    // For a user other than root, what is not ambient is lost at execve.
    expect(set('CapPrm')).toEqual([CAP_NET_BIND_SERVICE]);
    expect(set('CapEff')).toEqual([CAP_NET_BIND_SERVICE]);
  });

  promise('capabilities: root has its bounding set and no more', async (runner) => {
    const { stdout } = await runner.run(['/bin/cat', '/proc/self/status'], (config) => {
      const few = ['CAP_CHOWN', 'CAP_KILL'];
      config.process.capabilities = { bounding: few, permitted: few, effective: few, inheritable: [], ambient: [] };
    });
    for (const name of ['CapBnd', 'CapPrm', 'CapEff'])
      expect(capabilityNumbers(statusField(stdout, name)), name).toEqual([CAP_CHOWN, CAP_KILL]);
  });

  promise('capabilities: empty sets leave none', async (runner) => {
    const { stdout } = await runner.run(['/bin/cat', '/proc/self/status'], (config) => {
      config.process.capabilities = { bounding: [], permitted: [], effective: [], inheritable: [], ambient: [] };
    });
    for (const name of ['CapBnd', 'CapPrm', 'CapEff', 'CapInh', 'CapAmb'])
      expect(capabilityNumbers(statusField(stdout, name)), name).toEqual([]);
  });

  operation('capabilities: a name that the kernel does not know is a warning and no error', async (runtime) => {
    const outcome = await runtime.run('echo fine', (config) => {
      for (const set of ['bounding', 'permitted', 'effective'] as const)
        config.process.capabilities = { ...config.process.capabilities, [set]: ['CAP_CHOWN', 'CAP_NO_SUCH'] };
    });
    expect(outcome).toMatchObject({ stdout: 'fine\n', status: 0 });
  });

  operation('capabilities: one that the runtime itself does not have is a warning and no error', async (runtime) => {
    const names = ['CAP_CHOWN', 'CAP_WAKE_ALARM'];
    const container = await runtime.prepare('cat /proc/self/status', (config) => {
      config.process.capabilities = { bounding: names, permitted: names, effective: names };
    });
    const { argv, stateFolder } = runtime;
    const run = [...argv, '--root', stateFolder, 'run', '--bundle', container.bundle.path, container.id];
    const { stdout } = await runtime.machine.command(['setpriv', '--bounding-set', '-wake_alarm', ...run]);
    expect(capabilityNumbers(statusField(stdout, 'CapEff'))).toEqual([CAP_CHOWN]);
  });

  for (const noNewPrivileges of [true, false])
    promise(`noNewPrivileges ${noNewPrivileges}`, async (runner) => {
      const { stdout } = await runner.run('cat /proc/self/status', (config) => {
        config.process.noNewPrivileges = noNewPrivileges;
      });
      expect(statusField(stdout, 'NoNewPrivs')).toBe(noNewPrivileges ? '1' : '0');
    });

  promise('oomScoreAdj is set', async (runner) => {
    const { stdout } = await runner.run('cat /proc/self/oom_score_adj', (config) => {
      config.process.oomScoreAdj = 321;
    });
    expect(stdout).toBe('321\n');
  });

  operation('oomScoreAdj is not changed when it is not set', async (runtime) => {
    const container = await runtime.prepare('cat /proc/self/oom_score_adj');
    const command = [...runtime.argv, '--root', runtime.stateFolder, 'run', '--bundle', container.bundle.path];
    const script = `echo 123 >/proc/self/oom_score_adj; exec ${command.join(' ')} ${container.id}`;
    expect((await runtime.machine.command(['sh', '-c', script])).stdout).toBe('123\n');
  });

  promise('oomScoreAdj out of range is an error', async (runner) => {
    for (const value of [1001, -1001])
      await runner.refusal((config) => {
        config.process.oomScoreAdj = value;
      });
  });

  for (const [policy, number] of [
    ['SCHED_OTHER', 0],
    ['SCHED_BATCH', 3],
    ['SCHED_IDLE', 5],
  ] as const)
    promise(`scheduler: ${policy}`, async (runner) => {
      const { stdout } = await runner.run(STAT, (config) => {
        config.process['scheduler'] = { policy };
      });
      expect(statField(stdout, 41)).toBe(String(number));
    });

  promise('scheduler: nice', async (runner) => {
    const { stdout } = await runner.run(STAT, (config) => {
      config.process['scheduler'] = { policy: 'SCHED_OTHER', nice: 7 };
    });
    expect(statField(stdout, 19)).toBe('7');
  });

  promise('scheduler: SCHED_FLAG_RESET_ON_FORK gives children the default policy', async (runner) => {
    const { stdout } = await runner.run(STAT, (config) => {
      config.process['scheduler'] = { policy: 'SCHED_BATCH', flags: ['SCHED_FLAG_RESET_ON_FORK'] };
    });
    // cat is a child of the shell.
    expect(['0', '3']).toContain(statField(stdout, 41));
  });

  promise('scheduler: an unknown policy or flag is an error', async (runner) => {
    for (const scheduler of [
      { policy: 'SCHED_NOSUCH' },
      { policy: '' },
      { policy: 'SCHED_OTHER', flags: ['SCHED_FLAG_NOSUCH'] },
    ])
      await runner.refusal((config) => {
        config.process['scheduler'] = scheduler;
      });
  });

  for (const [name, shown] of [
    ['IOPRIO_CLASS_BE', 'best-effort: prio 6'],
    ['IOPRIO_CLASS_IDLE', 'idle'],
  ] as const)
    promise(`ioPriority: ${name}`, async (runner) => {
      const { stdout } = await runner.run('ionice -p $$', (config) => {
        config.process['ioPriority'] = { class: name, priority: 6 };
      });
      expect(stdout.trim()).toContain(shown);
    });

  promise('ioPriority: a class or priority that does not exist is an error', async (runner) => {
    for (const ioPriority of [
      { class: 'IOPRIO_CLASS_NOSUCH', priority: 0 },
      { class: 'IOPRIO_CLASS_BE', priority: 8 },
      { class: 'IOPRIO_CLASS_BE', priority: -1 },
    ])
      await runner.refusal((config) => {
        config.process['ioPriority'] = ioPriority;
      });
  });

  promise('apparmorProfile: an error where the kernel has no such profile', async (runner) => {
    await runner.refusal((config) => {
      config.process['apparmorProfile'] = 'no-such-profile';
    });
  });

  promise('selinuxLabel: an error where the kernel has no SELinux', async (runner) => {
    await runner.refusal((config) => {
      config.process['selinuxLabel'] = 'system_u:system_r:svirt_lxc_net_t:s0:c124,c675';
    });
  });

  operation('execCPUAffinity: final is where an exec runs', async (runtime) => {
    const container = await runtime.create('sleep 100');
    await container.start();
    const { stdout } = await container.execProcess({
      args: ['/bin/cat', '/proc/self/status'],
      execCPUAffinity: { initial: '0', final: '0' },
    });
    expect(statusField(stdout, 'Cpus_allowed_list')).toBe('0');
    await container.end();
  });

  operation('execCPUAffinity is not applied to the init process', async (runtime) => {
    const { stdout } = await runtime.run(['/bin/cat', '/proc/self/status'], (config) => {
      config.process['execCPUAffinity'] = { initial: '0', final: '0' };
    });
    const { stdout: ours } = await runtime.machine.command(['cat', '/proc/self/status']);
    expect(statusField(stdout, 'Cpus_allowed_list')).toBe(statusField(ours, 'Cpus_allowed_list'));
  });

  operation('execCPUAffinity that is no list of CPUs is an error', async (runtime) => {
    const container = await runtime.create('sleep 100');
    await container.start();
    for (const final of ['x', '1-', '5-2', '-1'])
      expect((await container.execProcess({ args: ['/bin/true'], execCPUAffinity: { final } })).status, final).not.toBe(
        0,
      );
    await container.end();
  });
});
