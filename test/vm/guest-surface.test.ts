import { beforeAll, describe, expect, it } from 'vitest';
import { expectStatus } from '../support/agent/expect-status.ts';
import { TestContainer } from '../support/container/test-container.ts';
import { defaultKernel } from '../support/vm/guest-assets.ts';
import { privileged, runGuestProgram } from '../support/vm/run-program.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

const PORTS = [1024, 1025, 1026];

describe('what a container finds of the guest', () => {
  const fixture = useVm({
    hasWitness: true,
    kernelParameters: ['agent.log_vport=1025', 'agent.debug_console_vport=1026', 'agent.debug_console'],
  });
  const missing = {
    driver: 'blk',
    source: '1d',
    fstype: 'ext4',
    mount_point: '/run/kata-containers/shared/containers/x/disk',
  };

  /** A container whose disk never comes: it waits for events of devices, in vain. */
  async function waitInVain(): Promise<void> {
    const wait = TestContainer.create(fixture.client, { root: fixture.root, request: { storages: [missing] } });
    await expectStatus(wait, 'internal', 'waiting for uevent', '1d');
  }

  // The first wait, and the first question about the network, open sockets that stay.
  beforeAll(async () => {
    await waitInVain();
    await fixture.client.call('ListInterfaces', {});
    await fixture.checks.rebase();
  });

  const look = async (run: string): Promise<string> =>
    (await TestContainer.run(fixture.client, { root: fixture.root, run })).stdout;

  it('VMB-08 no device of the guest, and no secret of sysfs', async () => {
    const nodes = (await look('cd /dev; find . ! -type d | sort')).trim().split('\n');
    expect(nodes.filter((node) => /vsock|vport|pmem|vd[a-z]|kmsg|mem$|hvc|ttyS|fuse|port|loop/.test(node))).toEqual([]);
    expect(nodes).toContain('./null');
    const hidden = `
      ls -A /sys/firmware /sys/devices/virtual/powercap 2>/dev/null | grep -v :
      for f in /sys/kernel/debug /sys/kernel/security /sys/kernel/tracing; do ls -A $f 2>/dev/null; done
      cat /proc/kcore 2>/dev/null | head -c 10; cat /proc/kmsg 2>/dev/null | head -c 10; dmesg 2>/dev/null | head -n 1
      for f in /sys/kernel/uevent_helper /sys/kernel/mm/transparent_hugepage/enabled /sys/class/mem/null/uevent /proc/sysrq-trigger; do
        (echo x > $f) 2>/dev/null && echo written $f
      done; echo end`;
    expect((await look(hidden)).trim()).toBe('end');
  });

  it('VMB-08 no process of the agent', async () => {
    const shown = await look(
      'cat /proc/[0-9]*/comm; cat /proc/[0-9]*/cmdline | tr "\\0" " "; ls -d /proc/[0-9]* | wc -l',
    );
    expect(shown).not.toMatch(/kihon|witness/);
    expect(await look('ls /proc/1/root/')).toBe(await look('ls /'));
  });

  it('VMB-10 no abstract socket and no listener of the agent in the network that it shares with it', async () => {
    const own = (await fixture.vm.witness('readlink /proc/1/ns/net')).trim();
    expect((await look('readlink /proc/self/ns/net')).trim()).toBe(own);
    const sockets = await look(
      'cat /proc/net/unix /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6 2>/dev/null',
    );
    // Unix sockets have a path, abstract or not, in their last column; one without is reachable by nobody.
    expect(sockets.split('\n').filter((line) => /[@/]/.test(line))).toEqual([]);
    // 0A: listening, 07: a bound UDP socket.
    expect(sockets.split('\n').filter((line) => /^\s*\d+: \S+ \S+ (0A|07) /.test(line))).toEqual([]);
  });

  it.each([
    ['root with the default capabilities', {}],
    ['a user', { process: { User: { UID: 1000, GID: 1000 }, Capabilities: {} } }],
  ])('VMB-09 nothing to reach into the kernel with: %s', async (_, options) => {
    const { stdout } = await runGuestProgram(fixture.vm, fixture.client, 'kernel-surface', [], options);
    expect(stdout).toContain('alg ');
    const working = [...stdout.matchAll(/^(\S+) works$/gm)].map(([, name]) => name ?? '');
    // Debian's kernel has more than ours; a profile is what keeps containers from it there.
    if (defaultKernel() === 'lean') expect(working).toEqual([]);
    else expect(working.filter((name) => !['alg', 'io_uring'].includes(name))).toEqual([]);
  });

  it('VMB-09 nor for a container with rights over the kernel', async () => {
    const strong = privileged('CAP_SYS_ADMIN', 'CAP_SYS_BOOT', 'CAP_SYS_MODULE', 'CAP_SYS_PTRACE');
    const { stdout } = await runGuestProgram(fixture.vm, fixture.client, 'kernel-surface', [], strong);
    if (defaultKernel() === 'lean') expect(stdout).not.toMatch(/^(alg|io_uring|kexec|kexec_file|init_module) works$/m);
    await fixture.client.check();
  });

  it('VMB-02 the agent’s ports cannot be taken, whoever asks', async () => {
    const names = PORTS.map((port) => `bind:${port}`);
    for (const options of [{}, privileged('CAP_SYS_ADMIN', 'CAP_NET_ADMIN', 'CAP_NET_BIND_SERVICE')]) {
      const { stdout } = await runGuestProgram(fixture.vm, fixture.client, 'kernel-surface', names, options);
      const lines = stdout
        .trim()
        .split('\n')
        .filter((line) => line.startsWith('bind:'));
      expect(lines.slice(0, 2)).toEqual([`bind:1024 Address in use`, `bind:1025 Address in use`]);
    }
    await fixture.client.check();
  });

  it('VMB-02 a profile keeps a container from vsock altogether', async () => {
    const Seccomp = {
      DefaultAction: 'SCMP_ACT_ALLOW',
      Architectures: ['SCMP_ARCH_X86_64'],
      Syscalls: [
        {
          Names: ['socket'],
          Action: 'SCMP_ACT_ERRNO',
          errnoret: 97,
          Args: [{ Index: 0n, Value: 40n, ValueTwo: 0n, Op: 'SCMP_CMP_EQ' }],
        },
      ],
    };
    const { stdout } = await runGuestProgram(fixture.vm, fixture.client, 'kernel-surface', ['bind:5000'], {
      linux: { Seccomp },
    });
    expect(stdout).toContain('bind:5000 Address family not supported');
  });

  it.each([
    ['CAP_NET_ADMIN', ['CAP_NET_ADMIN']],
    ['CAP_SYS_ADMIN too', ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN']],
  ])('LIV-08 device events forged by a container with %s mislead nobody', async (_, capabilities) => {
    const { client, root, vm } = fixture;
    const settled = waitInVain();
    const { stdout } = await runGuestProgram(
      vm,
      client,
      'forge-events',
      ['2000', '/devices/pci0000:00/0000:00:1d.0'],
      privileged(...capabilities),
    );
    expect(stdout).toMatch(/^(sent \d+|refused .*)\n$/);
    await settled;
    // What listens for the network’s answers was not misled either.
    await client.call('ListInterfaces', {});
    expect(await TestContainer.run(client, { root, run: 'echo after' })).toMatchObject({ stdout: 'after\n' });
  });

  it('LIV-07 a storm of real events during a wait loses nothing and costs nothing', async () => {
    const { client, vm } = fixture;
    const settled = waitInVain();
    const storm = 'i=0; while [ $i -lt 5000 ]; do echo add > /sys/class/mem/null/uevent; i=$((i+1)); done; echo sent';
    expect(await vm.witness(storm)).toBe('sent\n');
    await settled;
    await client.check();
  });
});
