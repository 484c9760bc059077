import { expect } from 'vitest';
import type { OciRuntime } from '../../support/oci-runtime.ts';
import { section } from '../support/section.ts';

let count = 0;

/** Runs a script with a fresh network device, in a network namespace of the script's own, so that no trace stays on the machine. */
async function withDevice(runtime: OciRuntime, netDevices: (name: string) => unknown, run: string): Promise<string> {
  count += 1;
  const name = `kt${count}`;
  const container = await runtime.prepare(run, (config) => {
    config.linux['netDevices'] = netDevices(name);
  });
  const command = [
    ...runtime.argv,
    '--root',
    runtime.stateFolder,
    'run',
    '--bundle',
    container.bundle.path,
    container.id,
  ];
  const prepare = `ip link add ${name} type veth peer name ${name}p && ip addr add 192.0.2.7/24 dev ${name} && ip link set ${name} mtu 1400`;
  const script = `${prepare} || exit 99; ${command.join(' ')} 2>&1; echo "status $?"; ip -o link show`;
  const { stdout, status } = await runtime.machine.command(['unshare', '--net', 'sh', '-c', script]);
  if (status === 99) throw new Error('this machine makes no network devices');
  return stdout;
}

section('config-linux.md#network-devices', ({ operation }) => {
  operation('a device moves, is up and keeps its address and attributes', async (runtime) => {
    const output = await withDevice(runtime, (name) => ({ [name]: {} }), 'busybox ip addr');
    expect(output).toMatch(/kt\d+[^:]*: <[^>]*\bUP\b[^>]*> mtu 1400/);
    expect(output).toContain('inet 192.0.2.7/24');
  });

  operation('a device is renamed', async (runtime) => {
    const output = await withDevice(runtime, (name) => ({ [name]: { name: 'inside0' } }), 'busybox ip link');
    expect(output.split('status')[0]).toContain('inside0');
  });

  operation('a name that is taken is an error', async (runtime) => {
    const output = await withDevice(runtime, (name) => ({ [name]: { name: 'lo' } }), 'echo the program ran');
    expect(output).not.toContain('the program ran');
    expect(output).not.toContain('status 0');
  });

  operation('a template with %d gives a name that is free', async (runtime) => {
    const output = await withDevice(runtime, (name) => ({ [name]: { name: 'in%d' } }), 'busybox ip link');
    expect(output.split('status')[0]).toContain('in0');
  });

  operation('a device that does not exist is an error', async (runtime) => {
    await runtime.refusal((config) => {
      config.linux['netDevices'] = { 'no-such-dev': {} };
    });
  });

  operation('without a network namespace of its own it is an error', async (runtime) => {
    await runtime.refusal((config) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'network');
      config.mounts = config.mounts.filter(({ destination }) => destination !== '/sys');
      config.linux['netDevices'] = { lo: { name: 'lo1' } };
    });
  });
});
