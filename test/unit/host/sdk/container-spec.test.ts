import { describe, expect, test } from 'vitest';
import { containerSpec, mergeEnvironment, processSpec } from '../../../../host/sdk/container-spec.ts';
import { Spec } from '../../../../proto/gen/agent.js';

const process_ = {
  args: ['/bin/sh'],
  env: ['FOO=bar', 'PATH=/bin'],
  cwd: '/',
  user: { uid: 0, gid: 0, additionalGids: [], home: '/root' },
  hasTerminal: false,
};
const container = { ...process_, containerId: 'box-1', hostname: 'box-1', volumes: [], isReadOnly: false };

describe('containerSpec', () => {
  test('survives the wire', () => {
    const decoded = Spec.decode(Spec.encode(containerSpec(container)));
    expect(decoded.Root?.Path).toBe('/run/kata-containers/shared/containers/box-1/rootfs');
    expect(decoded.Process?.Args).toEqual(['/bin/sh']);
    expect(decoded.Linux?.CgroupsPath).toBe('/kihon/box-1');
  });

  test('asks for the mounts of a container, /dev/shm being that of the sandbox', () => {
    const mounts = containerSpec(container).Mounts ?? [];
    expect(mounts.map((mount) => mount.destination)).toEqual([
      '/proc',
      '/dev',
      '/dev/pts',
      '/dev/shm',
      '/dev/mqueue',
      '/sys',
      '/sys/fs/cgroup',
      '/run',
    ]);
    expect(mounts[3]).toMatchObject({ type: 'bind', source: '/run/kata-containers/sandbox/shm', options: ['rbind'] });
  });

  test('has its own namespaces but no pid entry, which the agent adds, and no network', () => {
    const types = containerSpec(container).Linux?.Namespaces?.map((namespace) => namespace.Type);
    expect(types).toEqual(['mount', 'ipc', 'uts', 'cgroup']);
  });

  test('puts volumes after the mounts that they may lie in', () => {
    const volume = { source: '/data', destination: '/run/data', readOnly: true };
    const last = containerSpec({ ...container, volumes: [volume] }).Mounts?.at(-1);
    expect(last).toMatchObject({ destination: '/run/data', type: 'bind', options: ['rbind', 'ro'] });
  });

  test('hides the kernel files that containerd hides', () => {
    const linux = containerSpec(container).Linux;
    expect(linux?.MaskedPaths).toContain('/proc/kcore');
    expect(linux?.ReadonlyPaths).toContain('/proc/sys');
  });
});

describe('processSpec', () => {
  test('gives root the default capabilities and nobody new privileges', () => {
    const spec = processSpec(process_);
    expect(spec.Capabilities?.Effective).toContain('CAP_CHOWN');
    expect(spec.Capabilities?.Effective).not.toContain('CAP_SYS_ADMIN');
    expect(spec.NoNewPrivileges).toBe(true);
  });

  test('gives another user no capabilities at the start', () => {
    const spec = processSpec({ ...process_, user: { uid: 33, gid: 33, additionalGids: [44], home: '/' } });
    expect(spec.Capabilities?.Effective).toEqual([]);
    expect(spec.User).toEqual({ UID: 33, GID: 33, AdditionalGids: [44] });
  });

  test("lets the caller's environment win over the defaults", () => {
    const env = processSpec({ ...process_, hasTerminal: true }).Env;
    expect(env).toEqual(['PATH=/bin', 'HOME=/root', 'TERM=xterm', 'FOO=bar']);
  });
});

test('mergeEnvironment() keeps the first place and the last value', () => {
  expect(mergeEnvironment(['A=1', 'B=2'], ['A=3=4', 'C='])).toEqual(['A=3=4', 'B=2', 'C=']);
});
