import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { DescriptorReceiver } from '../support/descriptor-receiver.ts';
import { statusField } from '../support/facts.ts';
import { section } from '../support/section.ts';

const SIGSYS = 31;

/** All system calls of this machine, from its headers. */
function systemCalls(): string[] {
  const header = `/usr/include/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/asm/unistd_64.h`;
  return [...readFileSync(header, 'utf8').matchAll(/__NR_(\w+) /g)].map(([, name = '']) => name);
}

/** A filter for one system call, with mkdir as the call that everybody knows. */
function filter(action: string, more: Record<string, unknown> = {}, whole: Record<string, unknown> = {}) {
  return {
    defaultAction: 'SCMP_ACT_ALLOW',
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
    syscalls: [{ names: ['mkdir', 'mkdirat'], action, ...more }],
    ...whole,
  };
}

section('config-linux.md#seccomp', ({ promise, operation }) => {
  promise('the filter is there', async (runner) => {
    const { stdout } = await runner.run('cat /proc/self/status', (config) => {
      config.linux.seccomp = filter('SCMP_ACT_ERRNO');
    });
    expect(statusField(stdout, 'Seccomp')).toBe('2');
  });

  promise('SCMP_ACT_ERRNO gives EPERM by default', async (runner) => {
    const { stderr, status } = await runner.run('mkdir /x', (config) => {
      config.linux.seccomp = filter('SCMP_ACT_ERRNO');
    });
    expect(stderr).toContain('Operation not permitted');
    expect(status).toBe(1);
  });

  promise('errnoRet is the error', async (runner) => {
    const { stderr } = await runner.run('mkdir /x', (config) => {
      config.linux.seccomp = filter('SCMP_ACT_ERRNO', { errnoRet: 28 });
    });
    expect(stderr).toContain('No space left on device');
  });

  promise('defaultErrnoRet is the error of the default action', async (runner) => {
    const { stdout, stderr } = await runner.run('mkdir /x; echo end', (config) => {
      const names = systemCalls().filter((name) => !name.startsWith('mkdir'));
      config.linux.seccomp = {
        defaultAction: 'SCMP_ACT_ERRNO',
        defaultErrnoRet: 28,
        syscalls: [{ names, action: 'SCMP_ACT_ALLOW' }],
      };
    });
    expect(stderr).toContain('No space left on device');
    expect(stdout).toBe('end\n');
  });

  for (const action of ['SCMP_ACT_KILL', 'SCMP_ACT_KILL_PROCESS', 'SCMP_ACT_KILL_THREAD', 'SCMP_ACT_TRAP'])
    promise(`${action} ends the process with SIGSYS`, async (runner) => {
      const { stdout } = await runner.run('mkdir /x; echo $?', (config) => {
        config.linux.seccomp = filter(action);
      });
      expect(stdout).toBe(`${128 + SIGSYS}\n`);
    });

  for (const action of ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG'])
    promise(`${action} lets the call pass`, async (runner) => {
      const { stdout } = await runner.run('mkdir /x && echo made', (config) => {
        config.linux.seccomp = filter(action);
      });
      expect(stdout).toBe('made\n');
    });

  promise('SCMP_ACT_TRACE without a tracer is ENOSYS', async (runner) => {
    const { stderr } = await runner.run('mkdir /x', (config) => {
      config.linux.seccomp = filter('SCMP_ACT_TRACE', { errnoRet: 7 });
    });
    expect(stderr).toContain('Function not implemented');
  });

  for (const [op, value, valueTwo, isHit] of [
    ['SCMP_CMP_EQ', 0o700, 0, true],
    ['SCMP_CMP_EQ', 0o701, 0, false],
    ['SCMP_CMP_NE', 0o701, 0, true],
    ['SCMP_CMP_LT', 0o701, 0, true],
    ['SCMP_CMP_LT', 0o700, 0, false],
    ['SCMP_CMP_LE', 0o700, 0, true],
    ['SCMP_CMP_GE', 0o700, 0, true],
    ['SCMP_CMP_GT', 0o700, 0, false],
    ['SCMP_CMP_MASKED_EQ', 0o300, 0o300, true],
    ['SCMP_CMP_MASKED_EQ', 0o300, 0o100, false],
  ] as const)
    promise(
      `args: ${op} ${value.toString(8)} ${valueTwo.toString(8)} ${isHit ? 'matches' : 'does not match'} 700`,
      async (runner) => {
        const { stdout } = await runner.run(
          'umask 0; mkdir -m 700 /x 2>/dev/null && echo made; chmod 700 /bin 2>/dev/null && echo changed',
          (config) => {
            config.linux.seccomp = {
              defaultAction: 'SCMP_ACT_ALLOW',
              syscalls: [{ names: ['chmod'], action: 'SCMP_ACT_ERRNO', args: [{ index: 1, value, valueTwo, op }] }],
            };
          },
        );
        expect(stdout.includes('changed')).toBe(!isHit);
      },
    );

  for (const flag of ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW', 'SECCOMP_FILTER_FLAG_TSYNC'])
    promise(`flags: ${flag}`, async (runner) => {
      const { stdout } = await runner.run('cat /proc/self/status', (config) => {
        config.linux.seccomp = filter('SCMP_ACT_ERRNO', {}, { flags: [flag] });
      });
      expect(statusField(stdout, 'Seccomp')).toBe('2');
    });

  promise('a system call that the kernel or the runtime does not know is passed over', async (runner) => {
    const { stdout } = await runner.run('echo fine', (config) => {
      config.linux.seccomp = filter('SCMP_ACT_ERRNO', { names: ['no_such_system_call', 'mkdir'] });
    });
    expect(stdout).toBe('fine\n');
  });

  promise('without noNewPrivileges the filter is there as well', async (runner) => {
    const { stderr } = await runner.run('mkdir /x', (config) => {
      config.process.noNewPrivileges = false;
      config.linux.seccomp = filter('SCMP_ACT_ERRNO');
    });
    expect(stderr).toContain('Operation not permitted');
  });

  operation('an exec has the filter as well', async (runtime) => {
    const container = await runtime.create('sleep 100', (config) => {
      config.linux.seccomp = filter('SCMP_ACT_ERRNO');
    });
    await container.start();
    expect((await container.exec('mkdir /x')).stderr).toContain('Operation not permitted');
    await container.end();
  });

  for (const [title, seccomp] of [
    ['an unknown action', filter('SCMP_ACT_NOSUCH')],
    ['an unknown default action', filter('SCMP_ACT_ERRNO', {}, { defaultAction: 'SCMP_ACT_NOSUCH' })],
    ['an unknown architecture', filter('SCMP_ACT_ERRNO', {}, { architectures: ['SCMP_ARCH_NOSUCH'] })],
    ['an unknown operator', filter('SCMP_ACT_ERRNO', { args: [{ index: 0, value: 0, op: 'SCMP_CMP_NOSUCH' }] })],
    ['an unknown flag', filter('SCMP_ACT_ERRNO', {}, { flags: ['SECCOMP_FILTER_FLAG_NOSUCH'] })],
    [
      'an argument that no system call has',
      filter('SCMP_ACT_ERRNO', { args: [{ index: 6, value: 0, op: 'SCMP_CMP_EQ' }] }),
    ],
    ['no names', filter('SCMP_ACT_ERRNO', { names: [] })],
    ['errnoRet for an action without one', filter('SCMP_ACT_KILL', { errnoRet: 1 })],
    ['defaultErrnoRet for an action without one', filter('SCMP_ACT_ERRNO', {}, { defaultErrnoRet: 1 })],
    ['listenerMetadata without listenerPath', filter('SCMP_ACT_ERRNO', {}, { listenerMetadata: 'x' })],
    ['SCMP_ACT_NOTIFY without listenerPath', filter('SCMP_ACT_NOTIFY')],
    [
      'SCMP_ACT_NOTIFY with a listenerPath where nobody listens',
      filter('SCMP_ACT_NOTIFY', {}, { listenerPath: '/no/such/socket' }),
    ],
  ] as const)
    promise(`an error: ${title}`, async (runner) => {
      await runner.refusal((config) => {
        config.linux.seccomp = seccomp;
      });
    });
});

section('config-linux.md#the-container-process-state', ({ operation }) => {
  operation('the listener goes to listenerPath with the state, once', async (runtime) => {
    const container = await runtime.prepare('echo fine');
    const { path, config } = container.bundle;
    await using receiver = await DescriptorReceiver.start(runtime.machine, path);
    const linux = {
      ...config.linux,
      seccomp: filter('SCMP_ACT_NOTIFY', {}, { listenerPath: receiver.socket, listenerMetadata: 'some data' }),
    };
    await runtime.machine.write(`${path}/config.json`, JSON.stringify({ ...config, linux }));
    await container.create();
    await container.start();
    const [json = '', ...descriptors] = (await receiver.output()).trimEnd().split(/\n(?=fd )/);
    expect(descriptors).toEqual(['fd anon_inode:seccomp notify']);
    expect(JSON.parse(json)).toMatchObject({
      fds: ['seccompFd'],
      metadata: 'some data',
      state: { id: container.id, status: 'creating', bundle: path },
    });
    await container.stopped();
    await container.delete();
  });
});
