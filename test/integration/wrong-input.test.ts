import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Init } from '../../agent/src/codec/protobuf/message-codec.ts';
import type { AgentMethod } from '../../host/client/agent-client.ts';
import type { RpcCode } from '../../host/client/rpc-error.ts';
import type { Spec } from '../../proto/gen/agent.js';
import { useAgent } from '../support/agent/agent-fixture.ts';
import { expectStatus } from '../support/agent/expect-status.ts';
import {
  containerSpec,
  createRequest,
  DEFAULT_CAPABILITIES,
  mount,
  processSpec,
  type ContainerOptions,
} from '../support/container/container-spec.ts';
import { freshId, TestContainer } from '../support/container/test-container.ts';

describe('a request that breaks a rule', () => {
  const fixture = useAgent();

  it.each<[AgentMethod, object]>([
    ['StartContainer', {}],
    ['RemoveContainer', {}],
    ['StatsContainer', {}],
    ['PauseContainer', {}],
    ['ResumeContainer', {}],
    ['ExecProcess', { exec_id: 'x', process: processSpec({ run: 'true' }) }],
    ['SignalProcess', { signal: 15 }],
    ['SignalProcess', { signal: 9 }],
    ['WaitProcess', {}],
    ['ReadStdout', { len: 1 }],
    ['ReadStderr', { len: 1 }],
    ['WriteStdin', { data: Buffer.from('x') }],
    ['CloseStdin', {}],
    ['TtyWinResize', { row: 1, column: 1 }],
  ])('%s of a container that does not exist is not found', async (method, fields) => {
    const text = await expectStatus(
      fixture.client.call(method, { container_id: 'nowhere', ...fields }),
      'not_found',
      'Invalid container id',
      'nowhere',
    );
    expect(text.length).toBeLessThan(200);
  });

  it.each<[AgentMethod, object]>([
    ['SignalProcess', { signal: 15 }],
    ['WaitProcess', {}],
    ['ReadStdout', { len: 1 }],
    ['ReadStderr', { len: 1 }],
    ['WriteStdin', { data: Buffer.from('x') }],
    ['CloseStdin', {}],
    ['TtyWinResize', { row: 1, column: 1 }],
  ])('%s of a process that does not exist is not found', async (method, fields) => {
    await using container = await TestContainer.start(fixture.client, { root: fixture.root });
    const call = fixture.client.call(method, { container_id: container.id, exec_id: 'nobody', ...fields });
    await expectStatus(call, 'not_found', 'InvalidExecId');
  });

  const refused = async (spec: Init<Spec>, code: RpcCode | RpcCode[], ...words: (string | RegExp)[]) => {
    const id = freshId();
    await expectStatus(fixture.client.call('CreateContainer', { container_id: id, OCI: spec }), code, ...words);
    await expectStatus(fixture.client.call('StartContainer', { container_id: id }), 'not_found');
  };
  const options = (more: Partial<ContainerOptions> = {}): ContainerOptions => ({
    root: fixture.root,
    run: 'true',
    ...more,
  });

  it('CreateContainer without a spec names the field', async () => {
    await expectStatus(fixture.client.call('CreateContainer', { container_id: 'nospec' }), 'invalid_argument', 'OCI');
  });

  it.each<[string, Partial<ContainerOptions>, (string | RegExp)[]]>([
    ['a root that is not absolute', { spec: { Root: { Path: 'relative' } } }, ['root.path']],
    ['no root', { spec: { Root: { Path: '' } } }, ['root']],
    [
      'a host name without a uts namespace',
      { spec: { Hostname: 'x' }, linux: { Namespaces: [{ Type: 'mount' }] } },
      ['hostname'],
    ],
    ['masked paths without a mount namespace', { linux: { Namespaces: [{ Type: 'ipc' }] } }, ['mount namespace']],
    ['an environment entry without `=`', { env: ['PATH=/bin', 'broken'] }, ['process.env']],
    ['a relative working directory', { process: { Cwd: 'relative' } }, ['process.cwd']],
    ['an unknown capability', { process: { Capabilities: { Bounding: ['CAP_NONSENSE'] } } }, ['CAP_NONSENSE']],
    ['an unknown limit', { process: { Rlimits: [{ Type: 'RLIMIT_FUN', Hard: 1n, Soft: 1n }] } }, ['RLIMIT_FUN']],
    [
      'a soft limit above the hard one',
      { process: { Rlimits: [{ Type: 'RLIMIT_NOFILE', Hard: 1n, Soft: 2n }] } },
      ['process.rlimits[0]'],
    ],
    [
      'the same limit twice',
      { process: { Rlimits: [1n, 2n].map((value) => ({ Type: 'RLIMIT_NOFILE', Hard: value, Soft: value })) } },
      ['RLIMIT_NOFILE'],
    ],
    ['an unknown namespace', { linux: { Namespaces: [{ Type: 'mount' }, { Type: 'fun' }] } }, ['fun']],
    ['the same namespace twice', { linux: { Namespaces: [{ Type: 'mount' }, { Type: 'mount' }] } }, ['mount']],
    [
      'a sysctl of the whole machine',
      { linux: { Namespaces: [{ Type: 'mount' }], Sysctl: new Map([['vm.swappiness', '1']]) } },
      ['vm.swappiness'],
    ],
    [
      'a sysctl with a path in it',
      { linux: { Namespaces: [{ Type: 'mount' }], Sysctl: new Map([['net.../../kernel/panic', '1']]) } },
      ['net...'],
    ],
    ['a mount without destination', { mounts: [mount('', 'tmpfs', 'tmpfs')] }, ['destination']],
    ['a mount that climbs out', { mounts: [mount('/a/../../b', 'tmpfs', 'tmpfs')] }, ['/a/../../b']],
    ['a tmpfs over /proc', { mounts: [mount('/proc', 'tmpfs', 'tmpfs')] }, ['/proc']],
    [
      'a device outside /dev',
      { linux: { Namespaces: [{ Type: 'mount' }], Devices: [{ Path: '/etc/x', Type: 'c', Major: 1n, Minor: 3n }] } },
      ['/etc/x'],
    ],
    [
      'a device of no type',
      { linux: { Namespaces: [{ Type: 'mount' }], Devices: [{ Path: '/dev/x', Type: 'q', Major: 1n, Minor: 3n }] } },
      ['type'],
    ],
    [
      'an unknown propagation',
      { linux: { Namespaces: [{ Type: 'mount' }], RootfsPropagation: 'sideways' } },
      ['sideways'],
    ],
    [
      'a cgroup path that climbs out',
      { linux: { Namespaces: [{ Type: 'mount' }], CgroupsPath: '/a/../../b' } },
      ['cgroupsPath'],
    ],
    [
      'a user namespace whose maps overlap',
      {
        linux: {
          Namespaces: [{ Type: 'mount' }, { Type: 'user' }],
          UIDMappings: [0, 5].map((start) => ({ HostID: start * 100, ContainerID: start, Size: 10 })),
          GIDMappings: [{ HostID: 0, ContainerID: 0, Size: 1 }],
        },
      },
      ['uidMappings[1'],
    ],
    [
      'a seccomp filter with an unknown action',
      {
        linux: {
          Namespaces: [{ Type: 'mount' }],
          Seccomp: { DefaultAction: 'SCMP_ACT_ALLOW', Syscalls: [{ Names: ['mkdir'], Action: 'SCMP_ACT_NOPE' }] },
        },
      },
      [/seccomp/i, 'SCMP_ACT_NOPE'],
    ],
    [
      'a hook without an absolute path',
      { spec: { Hooks: { Prestart: [{ Path: 'bin/true' }] } } },
      [/hooks/i, 'bin/true'],
    ],
  ])('CreateContainer with %s names field and reason, and changes nothing', async (_, more, words) => {
    const changed = options(more);
    // A change to `Root` is the point of two rows; all others use the good one.
    await refused(containerSpec('x', changed), 'invalid_argument', ...words);
  });

  it.each<[string, Partial<ContainerOptions>, (string | RegExp)[]]>([
    ['a root that does not exist', { spec: { Root: { Path: '/no/such/root' } } }, ['/no/such/root', 'ENOENT']],
    [
      'a bind source that does not exist',
      { mounts: [mount('/x', '/no/such/source', 'bind', 'rbind')] },
      ['/no/such/source', 'ENOENT', '/x'],
    ],
    ['a file system that does not exist', { mounts: [mount('/x', 'none', 'nosuchfs')] }, ['nosuchfs', 'ENODEV', '/x']],
    ['a mount option that does not exist', { mounts: [mount('/x', 'tmpfs', 'tmpfs', 'nonsense=1')] }, ['/x', 'EINVAL']],
  ])('CreateContainer with %s names step, path and errno', async (_, more, words) => {
    await refused(containerSpec('x', options(more)), ['internal', 'invalid_argument'], ...words);
  });

  it('CreateContainer through a root that is a symbolic link is refused', async () => {
    const link = join(fixture.roots.folder, 'link-to-root');
    symlinkSync(fixture.root, link);
    await refused(
      containerSpec('x', options({ spec: { Root: { Path: link } } })),
      ['invalid_argument', 'internal'],
      link,
    );
  });

  it.each([
    ['no process', undefined, 'process'],
    ['an environment entry without `=`', processSpec({ run: 'true', env: ['x'] }), 'process.env'],
    ['a relative working directory', processSpec({ run: 'true', process: { Cwd: 'x' } }), 'process.cwd'],
    [
      'an unknown capability',
      processSpec({ run: 'true', process: { Capabilities: { Bounding: ['CAP_X'] } } }),
      'CAP_X',
    ],
    ['an unknown limit', processSpec({ run: 'true', process: { Rlimits: [{ Type: 'X', Hard: 1n, Soft: 1n }] } }), 'X'],
  ])('ExecProcess with %s names it', async (_, process, word) => {
    await using container = await TestContainer.start(fixture.client, { root: fixture.root });
    const call = fixture.client.call('ExecProcess', { container_id: container.id, exec_id: 'bad', process });
    await expectStatus(call, 'invalid_argument', word);
    expect((await container.execute('exit 3')).status).toBe(3);
  });

  it('capabilities are known with and without their prefix', async () => {
    const outcome = await TestContainer.run(fixture.client, {
      root: fixture.root,
      run: 'grep CapEff /proc/self/status',
      process: { Capabilities: { Bounding: ['KILL'], Permitted: ['CAP_KILL'], Effective: ['KILL'] } },
    });
    expect(outcome.stdout).toBe('CapEff:\t0000000000000020\n');
    expect(DEFAULT_CAPABILITIES).toHaveLength(14);
  });

  it.each<[string, object, RpcCode | RpcCode[], string]>([
    [
      'an unknown driver',
      { driver: 'teleport', mount_point: '/run/kata-containers/sandbox/x' },
      ['internal', 'invalid_argument'],
      'teleport',
    ],
    [
      'a share that is not there',
      {
        driver: 'virtio-fs',
        source: 'nothing',
        fstype: 'virtiofs',
        mount_point: '/run/kata-containers/shared/containers/x',
      },
      ['internal', 'failed_precondition'],
      'nothing',
    ],
    [
      'a mount point that is not absolute',
      { driver: 'ephemeral', source: 'tmpfs', fstype: 'tmpfs', mount_point: 'x' },
      ['internal', 'invalid_argument'],
      'mount_point',
    ],
  ])('CreateContainer with a storage of %s gives back what it had', async (_, storage, code, word) => {
    const good = {
      driver: 'ephemeral',
      source: 'tmpfs',
      fstype: 'tmpfs',
      mount_point: '/run/kata-containers/sandbox/ephemeral/good',
    };
    const id = freshId();
    const request = { ...createRequest(id, options()), storages: [good, storage] };
    await expectStatus(fixture.client.call('CreateContainer', request), code, word);
    expect((await TestContainer.run(fixture.client, options({ run: 'exit 2' }), id)).status).toBe(2);
  });

  it('UpdateEphemeralMounts of another driver is refused', async () => {
    const storages = [{ driver: 'blk', source: 'x', fstype: 'ext4', mount_point: '/run/x' }];
    await expectStatus(
      fixture.client.call('UpdateEphemeralMounts', { storages }),
      ['internal', 'invalid_argument'],
      'ephemeral',
    );
  });

  it('TtyWinResize of a process without a terminal says so', async () => {
    await using container = await TestContainer.start(fixture.client, { root: fixture.root });
    await expectStatus(container.resize(10, 10), 'unavailable', 'no tty');
  });

  it('CreateSandbox with a kernel module that is no name runs nothing', async () => {
    for (const name of ['-C', '--show', 'a/b', 'a b', '']) {
      const call = fixture.client.call('CreateSandbox', {
        sandbox_id: 'pod',
        kernel_modules: [{ name, parameters: [] }],
      });
      await expectStatus(call, ['invalid_argument', 'internal'], 'module');
    }
  });

  it('CreateSandbox with a host name that is too long is refused', async () => {
    const call = fixture.client.call('CreateSandbox', { sandbox_id: 'pod', hostname: 'h'.repeat(65) });
    await expectStatus(call, 'invalid_argument', 'hostname');
  });
});
