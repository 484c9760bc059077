import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Init } from '../../../agent/src/codec/protobuf/message-codec.ts';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { describeTree } from '../../support/agent/canary.ts';
import { expectStatus } from '../../support/agent/expect-status.ts';
import { mountTable } from '../../support/agent/kernel-view.ts';
import { createRequest, DEFAULT_MOUNTS, mount, type ContainerOptions } from '../../support/container/container-spec.ts';
import { freshId, TestContainer } from '../../support/container/test-container.ts';
import { within } from '../../support/eventually.ts';
import type { Mount } from '../../../proto/gen/agent.js';

/** The codes with which a container that cannot be made safely is refused. */
const REFUSED = ['invalid_argument', 'internal', 'failed_precondition'] as const;
/** A refusal comes at once: nothing of the image is ever waited for, in ms. */
const SOON_MS = 20_000;

describe('a root file system full of links', () => {
  const fixture = useAgent();
  const canary = (): string => fixture.watched.canary.folder;
  const without = (...destinations: string[]): readonly Init<Mount>[] =>
    DEFAULT_MOUNTS.filter(({ destination = '' }) => !destinations.includes(destination));

  const refused = async (options: ContainerOptions, ...words: readonly (string | RegExp)[]): Promise<string> => {
    const mounts = mountTable(fixture.agent.pid);
    const create = fixture.client.call('CreateContainer', createRequest(freshId(), options));
    const text = await within(SOON_MS, 'the refusal', expectStatus(create, REFUSED, ...words));
    expect(mountTable(fixture.agent.pid)).toEqual(mounts);
    return text;
  };

  /** Puts something in the place of a folder of the image. */
  const replace = (root: string, path: string, kind: string): void => {
    rmSync(join(root, path), { recursive: true, force: true });
    if (kind === 'fifo') execFileSync('mkfifo', [join(root, path)]);
    else if (kind === 'file') writeFileSync(join(root, path), 'plain');
    else symlinkSync(kind.replace('CANARY', canary()), join(root, path));
  };

  const decoys = ['/x', '../../..', '.', '/proc', 'CANARY', '/', 'fifo', 'file'];

  describe.each(['/proc', '/sys', '/dev'])('MNT-02: %s in the image', (path) => {
    it.each(decoys.filter((decoy) => decoy !== path))('as %s', async (decoy) => {
      const root = await fixture.roots.copy();
      mkdirSync(join(root, 'x'));
      replace(root, path, decoy);
      const before = describeTree(root);
      await refused({ root }, path);
      expect(describeTree(root)).toEqual(before);
    });
  });

  it('MNT-03: nothing is written and nothing runs when /proc is a decoy', async () => {
    const root = await fixture.roots.copy();
    mkdirSync(join(root, 'decoy/self/attr'), { recursive: true });
    mkdirSync(join(root, 'decoy/sys/net/ipv4'), { recursive: true });
    for (const file of ['self/attr/exec', 'self/oom_score_adj', 'sys/net/ipv4/ip_forward']) {
      writeFileSync(join(root, 'decoy', file), 'untouched');
    }
    rmSync(join(root, 'proc'), { recursive: true });
    symlinkSync('/decoy', join(root, 'proc'));
    const before = describeTree(root);
    await refused(
      {
        root,
        run: 'touch /ran',
        process: { OOMScoreAdj: 500n },
        linux: {
          Namespaces: [{ Type: 'mount' }, { Type: 'network' }],
          Sysctl: new Map([['net.ipv4.ip_forward', '1']]),
        },
      },
      '/proc',
    );
    expect(describeTree(root)).toEqual(before);
  });

  describe('MNT-05: an image that ships a /proc of its own', () => {
    it('without a proc mount: its files stay as they are, and what was asked for reaches the kernel', async () => {
      const root = await fixture.roots.copy();
      const fakes = [
        'self/attr/exec',
        'self/oom_score_adj',
        'self/setgroups',
        'sys/net/ipv4/ip_forward',
        '1/oom_score_adj',
      ];
      for (const file of fakes) {
        mkdirSync(join(root, 'proc', file, '..'), { recursive: true });
        writeFileSync(join(root, 'proc', file), 'untouched');
      }
      symlinkSync(join(canary(), 'secret'), join(root, 'proc/self/fd'));
      const before = describeTree(join(root, 'proc'));
      const spec = { Mounts: without('/proc') };
      await using container = await TestContainer.start(fixture.client, {
        root,
        spec,
        process: { OOMScoreAdj: 321n },
        linux: {
          Namespaces: [{ Type: 'mount' }, { Type: 'network' }],
          Sysctl: new Map([['net.ipv4.ip_forward', '1']]),
          MaskedPaths: [],
          ReadonlyPaths: [],
        },
      });
      const init = readFileSync(`/proc/${fixture.agent.pid}/task/${fixture.agent.pid}/children`, 'latin1').trim();
      const pid = init.split(' ').at(-1) ?? '';
      expect(readFileSync(`/proc/${pid}/oom_score_adj`, 'latin1')).toBe('321\n');
      const forward = execFileSync('nsenter', ['-t', pid, '-n', 'cat', '/proc/sys/net/ipv4/ip_forward']).toString();
      expect(forward).toBe('1\n');
      await container.remove();
      expect(describeTree(join(root, 'proc'))).toEqual(before);
    });
  });

  describe('MNT-09: /dev and device paths', () => {
    it.each(['/', '../../../tmp/x', '/etc'])('without a mount on /dev, which links to %s', async (target) => {
      const root = await fixture.roots.copy();
      replace(root, '/dev', target);
      const before = describeTree(root);
      const spec = { Mounts: without('/dev', '/dev/pts', '/dev/shm', '/dev/mqueue') };
      await refused({ root, spec }, '/dev');
      expect(describeTree(root)).toEqual(before);
    });

    it.each(['/dev/../x', '/dev/a/../../x', '/etc/x', 'dev/x', '/dev'])('a device %s', async (path) => {
      const Devices = [{ Path: path, Type: 'c', Major: 1n, Minor: 3n }];
      await refused({ root: fixture.root, linux: { Namespaces: [{ Type: 'mount' }], Devices } }, 'linux.devices[0]');
    });

    it.each<[string, string[]]>([
      ['of another number', ['c', '1', '5']],
      ['of another type', ['p']],
      ['of a disk', ['b', '1', '3']],
    ])('an existing /dev/null %s is refused and keeps its owner', async (_, kind) => {
      const root = await fixture.roots.copy();
      mkdirSync(join(root, 'dev'), { recursive: true });
      execFileSync('mknod', [join(root, 'dev/null'), ...kind]);
      execFileSync('chown', ['5:6', join(root, 'dev/null')]);
      const spec = { Mounts: without('/dev', '/dev/pts', '/dev/shm', '/dev/mqueue') };
      await refused({ root, spec }, '/dev/null exists and is not c 1:3');
      expect([lstatSync(join(root, 'dev/null')).uid, lstatSync(join(root, 'dev/null')).gid]).toEqual([5, 6]);
    });

    it('a folder of a device that is a link', async () => {
      const root = await fixture.roots.copy();
      mkdirSync(join(root, 'dev'), { recursive: true });
      symlinkSync(canary(), join(root, 'dev/sub'));
      const spec = { Mounts: without('/dev', '/dev/pts', '/dev/shm', '/dev/mqueue') };
      const Devices = [{ Path: '/dev/sub/made', Type: 'c', Major: 1n, Minor: 3n }];
      await refused({ root, spec, linux: { Namespaces: [{ Type: 'mount' }], Devices } }, 'ELOOP');
    });
  });

  it.each([
    ['an absolute path', 'CANARY'],
    ['many ..', '../../../../../../../..CANARY'],
  ])('MNT-11: a working directory through a link to %s is made inside the root', async (_, target) => {
    const root = await fixture.roots.copy();
    symlinkSync(target.replace('CANARY', canary()), join(root, 'l'));
    const outcome = await TestContainer.run(fixture.client, { root, run: 'pwd', process: { Cwd: '/l/a/b' } });
    expect(outcome).toMatchObject({ status: 0, stdout: `${canary()}/a/b\n` });
    expect(existsSync(join(canary(), 'a'))).toBe(false);
    expect(existsSync(join(root, canary(), 'a/b'))).toBe(true);
    expect(fixture.watched.canary.changes()).toEqual([]);
  });

  describe('MNT-12: a file bound on what the image put there', () => {
    const plant = (root: string, kind: string): void => {
      const path = join(root, 'etc/resolv.conf');
      if (existsSync(path)) unlinkSync(path);
      switch (kind) {
        case 'absolute link':
          return symlinkSync(join(canary(), 'secret'), path);
        case 'dangling link':
          return symlinkSync('../run/nothing/resolv.conf', path);
        case 'loop':
          return symlinkSync('resolv.conf', path);
        case '41 links':
          for (let index = 0; index < 41; index++) symlinkSync(`l${index + 1}`, join(root, `etc/l${index}`));
          writeFileSync(join(root, 'etc/l41'), 'end');
          return symlinkSync('l0', path);
        case 'fifo':
          execFileSync('mkfifo', [path]);
          return;
        case 'folder':
          mkdirSync(path);
          return;
        case 'file':
          return writeFileSync(path, 'of the image');
      }
    };

    it.each<[string, boolean]>([
      ['absolute link', true],
      ['dangling link', true],
      ['loop', false],
      ['41 links', false],
      ['fifo', true],
      ['folder', false],
      ['file', true],
    ])('%s', async (kind, works) => {
      const root = await fixture.roots.copy();
      const source = join(fixture.roots.folder, 'resolv.conf');
      writeFileSync(source, 'nameserver 192.0.2.1\n');
      mkdirSync(join(root, 'etc'), { recursive: true });
      plant(root, kind);
      const mounts = [mount('/etc/resolv.conf', source, 'bind', 'rbind', 'ro')];
      const before = describeTree(join(root, 'etc'));
      if (works) {
        const run = TestContainer.run(fixture.client, { root, mounts, run: 'cat /etc/resolv.conf' });
        expect(await within(SOON_MS, kind, run)).toMatchObject({ status: 0, stdout: 'nameserver 192.0.2.1\n' });
      } else await refused({ root, mounts }, 'resolv.conf');
      expect(describeTree(join(root, 'etc'))).toEqual(before);
    });

    it('socket', async () => {
      const root = await fixture.roots.copy();
      const source = join(fixture.roots.folder, 'hosts');
      writeFileSync(source, '192.0.2.1 there\n');
      mkdirSync(join(root, 'etc'), { recursive: true });
      rmSync(join(root, 'etc/hosts'), { force: true });
      const server = createServer().listen(join(root, 'etc/hosts'));
      try {
        const mounts = [mount('/etc/hosts', source, 'bind', 'bind')];
        const outcome = await TestContainer.run(fixture.client, { root, mounts, run: 'cat /etc/hosts' });
        expect(outcome).toMatchObject({ status: 0, stdout: '192.0.2.1 there\n' });
      } finally {
        server.close();
      }
    });
  });

  it('MNT-10: what was made for a create that failed is taken away again', async () => {
    const root = await fixture.roots.copy();
    const source = join(fixture.roots.folder, 'one-file');
    writeFileSync(source, 'x');
    mkdirSync(join(root, 'here'));
    symlinkSync('/here', join(root, 'link'));
    const before = describeTree(root).filter((line) => !/^\/(dev|run|sys|proc)? /.test(line));
    await refused({
      root,
      mounts: [
        mount('/link/a/b/c', source, 'bind', 'bind'),
        mount('/link/d/e/f', 'tmpfs', 'tmpfs'),
        mount('/z', 'z', 'nosuchfs'),
      ],
    });
    expect(readdirSync(join(root, 'here'))).toEqual([]);
    expect(describeTree(root).filter((line) => !/^\/(dev|run|sys|proc)? /.test(line))).toEqual(before);
  });

  it('MNT-13: roots that are none', async () => {
    const root = await fixture.roots.copy();
    const link = join(fixture.roots.folder, 'root-link');
    symlinkSync(root, link);
    for (const path of ['/', '', link, `${link}/.`, '/proc/self/root']) {
      await expectStatus(fixture.client.call('CreateContainer', createRequest(freshId(), { root: path })), [
        ...REFUSED,
        'not_found',
      ]);
    }
  });
});
