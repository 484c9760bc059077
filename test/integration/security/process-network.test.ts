import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { useOwnRuntime } from '../../support/own-runtime.ts';

const [device, peer] = [`kh${process.pid % 100_000}a`, `kh${process.pid % 100_000}b`];
const ip = (...args: string[]): string => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();

function remove(): void {
  try {
    ip('link', 'del', peer);
  } catch {
    // It went with the container's network.
  }
}

describe('CGN-09: network devices', () => {
  const fixture = useOwnRuntime();
  afterEach(remove);

  it('go to the container’s own network with another name and their lasting addresses, before its sysctls', async () => {
    ip('link', 'add', device, 'type', 'veth', 'peer', 'name', peer);
    ip('addr', 'add', '10.213.7.1/24', 'dev', device);
    ip('addr', 'add', 'fd77::7/64', 'dev', device, 'nodad');
    const outcome = await fixture.runtime.run(
      'ip addr show dev inside; cat /proc/sys/net/ipv4/conf/inside/forwarding',
      (config) => {
        config.linux['netDevices'] = { [device]: { name: 'inside' } };
        config.linux.sysctl = { 'net.ipv4.conf.inside.forwarding': '1' };
      },
    );
    expect(outcome.stderr).toBe('');
    expect(outcome.stdout).toMatch(/inside@.*[<,]UP[,>]/);
    expect(outcome.stdout).toContain('inet 10.213.7.1/24');
    expect(outcome.stdout).toContain('inet6 fd77::7/64');
    expect(outcome.stdout.endsWith('\n1\n')).toBe(true);
    expect(() => ip('link', 'show', 'dev', device)).toThrow();
  });

  it('stay where they are when the name is taken or there is no network to go to', async () => {
    ip('link', 'add', device, 'type', 'veth', 'peer', 'name', peer);
    const taken = await fixture.runtime.refusal(
      (config) => (config.linux['netDevices'] = { [device]: { name: 'lo' } }),
    );
    expect(taken).toMatch(/netDevices.*has a device lo/);
    const none = await fixture.runtime.refusal((config) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== 'network');
      config.linux['netDevices'] = { [device]: {} };
    });
    expect(none).toMatch(/linux\.netDevices: needs a network namespace/);
    expect(ip('link', 'show', 'dev', device)).toContain(device);
  });
});
