import { describe, expect, it } from 'vitest';
import { TestContainer } from '../support/container/test-container.ts';
import { runGuestProgram } from '../support/vm/run-program.ts';
import { useVm } from '../support/vm/vm-fixture.ts';
import { WITNESS_PORT } from '../support/vm/witness.ts';

/** The agent's API. */
const API = 1024;

/**
 * Options that nobody meant, and some that would open the debug console if they were read loosely. x86 cuts a command line at 2048
 * characters (COMMAND_LINE_SIZE); the unit tests of the configuration have longer ones.
 */
const HOSTILE = [
  ...['agent.log=warn', 'agent.log=nonsense', 'agent.log=', 'agent.log=Debug', 'agent.log'],
  ...['agent.debug_console=1', 'agent.debug_console=', 'agent.debug_console=true', 'Agent.debug_console'],
  ...['agent.debug_console\u00a0', '"agent.debug_console"', "'agent.debug_console'", 'agent_debug_console'],
  ...['agent.debug_console_vport=1026', 'agent.log_vport=18446744073709551616', 'agent.log_vport=-1'],
  ...['agent.log_vport=4294967297', 'agent.log_vport=0x401', 'agent.passfd_listener_port=99999999999999999999'],
  ...['agent.hotplug_timeout=18446744073709551616', 'agent.hotplug_timeout=0', 'agent.hotplug_timeout=-3'],
  ...['agent.container_pipe_size=18446744073709551616', 'agent.container_pipe_size=-1'],
  ...['agent.', 'agent.=', '=agent', '=', 'agent.unknown=$(reboot)', 'agent.__proto__=1', 'agent.constructor'],
  ...['agent.config_filex=/etc/x', 'kihon.ready=18446744073709551616', `agent.no_proxy=${'x'.repeat(600)}`],
];

describe('VMB-03: what is not asked for is not open', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['without options', []],
    ['with a hostile command line', HOSTILE],
  ];
  describe.each(cases)('%s', (_, kernelParameters) => {
    const fixture = useVm({ hasWitness: true, kernelParameters });

    it('the guest boots and serves, and only the API listens', async () => {
      const { client, root, vm } = fixture;
      expect(await vm.witness('cat /proc/cmdline')).toContain(kernelParameters.at(-1) ?? '');
      expect(await TestContainer.run(client, { root, run: 'exit 3' })).toMatchObject({ status: 3 });
      const { stdout } = await runGuestProgram(vm, client, 'kernel-surface', ['taken:1:65535', `taken:${2 ** 31}`]);
      const taken = [...stdout.matchAll(/^taken (.*)$/gm)].map(([, port]) => Number(port));
      expect(taken).toEqual([API, WITNESS_PORT]);
      // Unix sockets with a name, TCP and UDP: none.
      const listening =
        'cat /proc/net/unix | grep "[@/]"; cat /proc/net/tcp* /proc/net/udp* | grep -E " (0A|07) "; echo end';
      expect(await vm.witness(listening)).toBe('end\n');
    });

    it('no program but the agent has a console, and there is no shell', async () => {
      const script = `
        for p in /proc/[0-9]*; do
          [ -e $p/exe ] || continue
          c=$(cat $p/comm); case $c in witness|sh|busybox) continue;; esac
          echo "process $c"
          for f in $p/fd/*; do case $(readlink $f) in /dev/console|/dev/hvc*|/dev/ttyS*|/dev/tty*) echo "console $c";; esac; done
        done`;
      const lines = [...new Set((await fixture.vm.witness(script)).trim().split('\n'))].sort();
      expect(lines.filter((line) => line.startsWith('process'))).toEqual([
        'process kihon-agent',
        'process kihon-zygote',
      ]);
      expect(lines.filter((line) => line.startsWith('console')).every((line) => line === 'console kihon-agent')).toBe(
        true,
      );
    });

    it('the defaults hold', async () => {
      expect(fixture.vm.console).not.toMatch(/Kernel panic|segfault/);
      await fixture.client.check();
    });
  });
});
