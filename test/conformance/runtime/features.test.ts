import { expect } from 'vitest';
import type { OciRuntime } from '../../support/oci-runtime.ts';
import { section } from '../support/section.ts';

interface Features {
  readonly ociVersionMin: string;
  readonly ociVersionMax: string;
  readonly hooks: readonly string[];
  readonly mountOptions: readonly string[];
  readonly linux: {
    readonly namespaces: readonly string[];
    readonly capabilities: readonly string[];
    readonly cgroup: Readonly<Record<string, boolean>>;
    readonly seccomp: { readonly enabled: boolean; readonly actions: readonly string[] };
  };
}

async function features(runtime: OciRuntime): Promise<Features> {
  return JSON.parse((await runtime.succeed(['features'])).stdout) as Features;
}

section('features.md', ({ operation }) => {
  operation('ociVersionMin and ociVersionMax are versions in order', async (runtime) => {
    const { ociVersionMin, ociVersionMax } = await features(runtime);
    expect(ociVersionMin).toMatch(/^1\.\d+\.\d+/);
    expect(ociVersionMax).toMatch(/^1\.\d+\.\d+/);
    expect(ociVersionMax >= ociVersionMin).toBe(true);
  });

  operation('hooks are the six points', async (runtime) => {
    const points = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'];
    expect((await features(runtime)).hooks).toEqual(expect.arrayContaining(points));
  });

  operation('mountOptions holds the options that runtimes must have', async (runtime) => {
    const must = [
      ...['async', 'atime', 'bind', 'defaults', 'dev', 'diratime', 'dirsync', 'exec', 'iversion', 'lazytime', 'loud'],
      ...['noatime', 'nodev', 'nodiratime', 'noexec', 'noiversion', 'nolazytime', 'norelatime', 'nostrictatime'],
      ...['nosuid', 'private', 'rbind', 'relatime', 'remount', 'ro', 'rprivate', 'rshared', 'rslave', 'runbindable'],
      ...['rw', 'shared', 'silent', 'slave', 'strictatime', 'suid', 'sync', 'unbindable'],
    ];
    expect((await features(runtime)).mountOptions).toEqual(expect.arrayContaining(must));
  });

  operation('linux.namespaces holds all types', async (runtime) => {
    const types = ['pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time'];
    expect((await features(runtime)).linux.namespaces).toEqual(expect.arrayContaining(types));
  });

  operation('linux.capabilities, linux.cgroup and linux.seccomp are there', async (runtime) => {
    const { linux } = await features(runtime);
    expect(linux.capabilities).toContain('CAP_SYS_ADMIN');
    expect(linux.cgroup).toMatchObject({ v2: true });
    expect(linux.seccomp.enabled).toBe(true);
    expect(linux.seccomp.actions).toContain('SCMP_ACT_NOTIFY');
  });
});
