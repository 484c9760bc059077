import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useAgent } from '../support/agent/agent-fixture.ts';
import { expectStatus } from '../support/agent/expect-status.ts';
import { childrenOf } from '../support/agent/kernel-view.ts';
import { createRequest, mount, type ContainerOptions } from '../support/container/container-spec.ts';
import { freshId, TestContainer } from '../support/container/test-container.ts';
import { mountsSeen, type SeenMount } from '../support/rootfs/mount-view.ts';

/** A tmpfs with another one mounted inside, in the agent's namespace. */
const NESTED = '/run/nested';
const PREPARE = `
mkdir -p ${NESTED} && mount -t tmpfs -o nodev top ${NESTED}
mkdir ${NESTED}/inner && mount -t tmpfs inner ${NESTED}/inner
mkdir /run/beside && mount -t tmpfs beside /run/beside
`;

describe('mounts of a container', () => {
  const fixture = useAgent({ prepare: PREPARE });
  const output = async (run: string, options: Partial<ContainerOptions> = {}): Promise<string> => {
    const root = await fixture.roots.copy();
    const outcome = await TestContainer.run(fixture.client, { root, run, ...options });
    expect(outcome.stderr).toBe('');
    return outcome.stdout;
  };
  type Mounts = NonNullable<ContainerOptions['mounts']>;
  const seen = async (...mounts: Mounts): Promise<(path: string) => SeenMount> => {
    const table = mountsSeen(await output('cat /proc/self/mountinfo', { mounts }));
    return (path) => {
      const found = table.get(path);
      if (found === undefined) throw new Error(`nothing is mounted on ${path}`);
      return found;
    };
  };
  const refused = async (mounts: Mounts, ...words: readonly (string | RegExp)[]): Promise<string> => {
    const root = await fixture.roots.copy();
    const create = fixture.client.call('CreateContainer', createRequest(freshId(), { root, mounts }));
    return await expectStatus(create, ['invalid_argument', 'internal', 'failed_precondition'], ...words);
  };
  const folder = (): string => mkdtempSync(join(fixture.roots.folder, 'volume-'));

  describe('flags', () => {
    it('of a bind act on its top mount, those with an r on all below, and on nothing beside', async () => {
      const at = await seen(
        mount('/plain', NESTED, 'bind', 'rbind', 'ro', 'noexec'),
        mount('/deep', NESTED, 'bind', 'rbind', 'rro', 'rnosuid', 'rnoatime'),
        mount('/other', '/run/beside', 'bind', 'rbind'),
      );
      expect(at('/plain').flags).toEqual(expect.arrayContaining(['ro', 'noexec', 'nodev']));
      expect(at('/plain/inner').flags).toContain('rw');
      expect(at('/plain/inner').flags).not.toContain('noexec');
      for (const path of ['/deep', '/deep/inner']) {
        expect(at(path).flags).toEqual(expect.arrayContaining(['ro', 'nosuid', 'noatime']));
      }
      expect(at('/other').flags).toEqual(['relatime', 'rw']);
      // The guest's own mounts are as they were.
      const guest = mountsSeen(readFileSync(`/proc/${fixture.agent.pid}/mountinfo`, 'latin1'));
      expect(guest.get(NESTED)?.flags).toEqual(['nodev', 'relatime', 'rw']);
      expect(guest.get(`${NESTED}/inner`)?.flags).toEqual(['relatime', 'rw']);
    });

    it.each<[string, string[], string[], string[]]>([
      ['nosuid', ['nosuid'], ['nosuid'], []],
      ['suid after nosuid', ['nosuid', 'suid'], [], ['nosuid']],
      ['nodev', ['nodev'], ['nodev'], []],
      ['dev', ['dev'], [], ['nodev']],
      ['noexec', ['noexec'], ['noexec'], []],
      ['noatime', ['noatime'], ['noatime'], ['relatime']],
      ['strictatime', ['strictatime'], [], ['relatime', 'noatime']],
      ['nodiratime', ['nodiratime'], ['nodiratime', 'relatime'], []],
      ['nosymfollow', ['nosymfollow'], ['nosymfollow'], []],
      ['ro', ['ro'], ['ro'], ['rw']],
      ['rw after ro', ['ro', 'rw'], ['rw'], ['ro']],
      ['rrw after ro, which is stronger', ['ro', 'rrw'], ['rw'], ['ro']],
      ['rro', ['rro'], ['ro'], []],
      ['rdev', ['rdev'], [], ['nodev']],
      ['rnoexec', ['rnoexec'], ['noexec'], []],
      ['rstrictatime', ['rstrictatime'], [], ['relatime']],
      ['rnosymfollow', ['rnosymfollow'], ['nosymfollow'], []],
      ['defaults, async, x-anything', ['defaults', 'async', 'x-anything=1'], ['rw'], []],
    ])('%s', async (_, options, has, lacks) => {
      const at = await seen(
        mount('/bound', NESTED, 'bind', 'rbind', ...options),
        mount('/fresh', 'tmpfs', 'tmpfs', ...options),
      );
      for (const path of ['/bound', '/fresh']) {
        const flags = at(path).flags;
        expect(flags).toEqual(expect.arrayContaining(has));
        for (const flag of lacks) expect(flags, path).not.toContain(flag);
      }
    });

    it('of the superblock belong to a new file system', async () => {
      const at = await seen(mount('/fresh', 'tmpfs', 'tmpfs', 'sync', 'dirsync', 'lazytime', 'size=1m'));
      for (const option of ['sync', 'dirsync', 'lazytime', 'size=1024k']) {
        expect(at('/fresh').superOptions.split(',')).toContain(option);
      }
    });
  });

  describe('propagation', () => {
    it.each<[string, RegExp | undefined]>([
      ['rprivate', undefined],
      ['private', undefined],
      ['rshared', /^shared:/],
      ['shared', /^shared:/],
      ['unbindable', /^unbindable$/],
      ['runbindable', /^unbindable$/],
    ])('%s', async (option, field) => {
      const at = await seen(
        mount('/bound', NESTED, 'bind', 'rbind', option),
        mount('/fresh', 'tmpfs', 'tmpfs', option),
      );
      for (const path of ['/bound', '/fresh']) {
        if (field === undefined) expect(at(path).optional).toEqual([]);
        else expect(at(path).optional).toEqual([expect.stringMatching(field)]);
      }
      if (option.startsWith('r') && field !== undefined) {
        expect(at('/bound/inner').optional).toEqual([expect.stringMatching(field)]);
      } else expect(at('/bound/inner').optional).toEqual([]);
    });
  });

  describe('binds', () => {
    it('take files, FIFOs, sockets and devices, without opening them', async () => {
      const source = folder();
      writeFileSync(join(source, 'file'), 'text');
      execFileSync('mkfifo', [join(source, 'fifo')]);
      execFileSync('mknod', [join(source, 'zero'), 'c', '1', '5']);
      const server = createServer().listen(join(source, 'socket'));
      try {
        const names = ['file', 'fifo', 'zero', 'socket'];
        const text = await output(`cd /m; stat -c "%n %F" ${names.join(' ')}; cat file`, {
          mounts: names.map((name) => mount(`/m/${name}`, join(source, name), 'bind', 'bind')),
        });
        expect(text).toBe('file regular file\nfifo fifo\nzero character special file\nsocket socket\ntext');
      } finally {
        server.close();
      }
    });

    it('follow links of the source, and links of the destination inside the root', async () => {
      const root = await fixture.roots.copy();
      const source = folder();
      mkdirSync(join(source, 'real'));
      writeFileSync(join(source, 'real/file'), 'text\n');
      symlinkSync('real', join(source, 'link'));
      symlinkSync('/etc/there', join(root, 'here'));
      const text = await output('cat /etc/there/file', {
        root,
        mounts: [mount('/here', join(source, 'link'), 'bind', 'bind')],
      });
      expect(text).toBe('text\n');
    });

    it('refuse a file on a folder, and a folder on a file', async () => {
      const source = folder();
      writeFileSync(join(source, 'file'), '');
      await refused([mount('/etc', join(source, 'file'), 'bind', 'bind')], '/etc is a directory');
      await refused([mount('/bin/busybox', source, 'bind', 'bind')], '/bin/busybox');
    });

    it('show or copy a link itself with src-nofollow, dest-nofollow and copy-symlink', async () => {
      const root = await fixture.roots.copy();
      const source = folder();
      symlinkSync('/etc/hostname', join(source, 'link'));
      writeFileSync(join(source, 'file'), 'text\n');
      symlinkSync('/nowhere', join(root, 'old'));
      const text = await output('readlink /shown; readlink /made/copied; cat /old; cat /plain', {
        root,
        mounts: [
          mount('/shown', join(source, 'link'), 'bind', 'bind', 'src-nofollow'),
          mount('/made/copied', join(source, 'link'), 'bind', 'bind', 'copy-symlink'),
          mount('/old', join(source, 'file'), 'bind', 'bind', 'dest-nofollow'),
          mount('/plain', join(source, 'file'), 'bind', 'bind', 'copy-symlink'),
        ],
      });
      expect(text).toBe('/etc/hostname\n/etc/hostname\ntext\ntext\n');
      expect(lstatSync(join(root, 'old')).isSymbolicLink()).toBe(true);
    });

    it('may be named by their option alone, whatever the type says', async () => {
      const source = folder();
      writeFileSync(join(source, 'file'), 'text\n');
      expect(await output('cat /v/file', { mounts: [mount('/v', source, 'none', 'rbind', 'ro')] })).toBe('text\n');
    });
  });

  describe('remount', () => {
    it('gives an earlier mount its flags', async () => {
      const at = await seen(
        mount('/v', '/run/beside', 'bind', 'bind'),
        mount('/v', '', 'none', 'remount', 'bind', 'ro', 'nosuid'),
      );
      expect(at('/v').flags).toEqual(['nosuid', 'relatime', 'ro']);
    });

    it('is refused for what is no mount, for the root, and with parameters of a file system', async () => {
      await refused([mount('/etc', '', 'none', 'remount', 'ro')], 'nothing is mounted on /etc');
      await refused([mount('/dev', '', 'tmpfs', 'remount', 'size=1m')], 'mounts[7].options', 'size');
    });
  });

  describe('tmpcopyup', () => {
    const fill = (root: string): void => {
      const top = join(root, 'full');
      mkdirSync(join(top, 'sub/deep'), { recursive: true });
      writeFileSync(join(top, 'file'), 'content');
      writeFileSync(join(top, 'sub/big'), Buffer.alloc(3_000_000, 7));
      linkSync(join(top, 'file'), join(top, 'sub/hard'));
      symlinkSync('/etc/passwd', join(top, 'link'));
      execFileSync('mkfifo', ['-m', '640', join(top, 'fifo')]);
      execFileSync('mknod', ['-m', '620', join(top, 'zero'), 'c', '1', '5']);
      chownSync(join(top, 'file'), 11, 12);
      chmodSync(join(top, 'file'), 0o4751);
      chownSync(join(top, 'sub'), 13, 14);
      chmodSync(join(top, 'sub'), 0o1730);
      chmodSync(top, 0o751);
      chownSync(top, 15, 16);
    };

    it('starts with a copy: owners, modes, links, nodes; writes stay in memory', async () => {
      const root = await fixture.roots.copy();
      fill(root);
      const look = 'cd /full; stat -c "%n %f %u:%g %h" . file sub sub/deep sub/hard fifo zero; readlink link; cat file';
      const check = '; md5sum sub/big; [ file -ef sub/hard ] && echo same; echo more > file; rm -r sub';
      const text = await output(`${look}${check}`, {
        root,
        mounts: [mount('/full', 'tmpfs', 'tmpfs', 'tmpcopyup', 'size=8m')],
      });
      const big = execFileSync('md5sum', [join(root, 'full/sub/big')])
        .toString()
        .slice(0, 32);
      expect(text).toBe(
        [
          '. 41e9 15:16 3',
          'file 89e9 11:12 2',
          'sub 43d8 13:14 3',
          'sub/deep 41ed 0:0 2',
          'sub/hard 89e9 11:12 2',
          'fifo 11a0 0:0 1',
          'zero 2190 0:0 1',
          '/etc/passwd',
          `content${big}  sub/big`,
          'same\n',
        ].join('\n'),
      );
      expect(readFileSync(join(root, 'full/file'), 'utf8')).toBe('content');
    });

    it('keeps capabilities of files', async () => {
      const root = await fixture.roots.copy();
      mkdirSync(join(root, 'full'));
      writeFileSync(join(root, 'full/ping'), '');
      execFileSync('setcap', ['cap_net_raw+ep', join(root, 'full/ping')]);
      const mounts = [mount('/full', 'tmpfs', 'tmpfs', 'tmpcopyup')];
      await using container = await TestContainer.start(fixture.client, { root, mounts });
      const init = childrenOf(fixture.agent.pid).at(-1)?.pid;
      const seenInside = execFileSync('getcap', [`/proc/${init}/root/full/ping`]).toString();
      expect(seenInside).toContain('cap_net_raw');
      await container.killAll();
    });

    it('holds for a read-only one, and for one made for the container', async () => {
      const root = await fixture.roots.copy();
      fill(root);
      const text = await output('cat /full/file; (touch /full/x) 2>/dev/null || echo; ls /new | wc -l', {
        root,
        mounts: [mount('/full', 'tmpfs', 'tmpfs', 'tmpcopyup', 'ro'), mount('/new', 'tmpfs', 'tmpfs', 'tmpcopyup')],
      });
      expect(text).toBe('content\n0\n');
    });

    it('is refused when it does not fit, and for other file systems', async () => {
      const root = await fixture.roots.copy();
      fill(root);
      const mounts = [mount('/full', 'tmpfs', 'tmpfs', 'tmpcopyup', 'size=1m')];
      const create = fixture.client.call('CreateContainer', createRequest(freshId(), { root, mounts }));
      await expectStatus(create, 'internal', 'ENOSPC', 'sub');
      await refused([mount('/x', 'mqueue', 'mqueue', 'tmpcopyup')], 'tmpcopyup');
    });
  });

  describe('file systems', () => {
    it('tmpfs keeps the mode of the folder it covers, unless it has one of its own', async () => {
      const root = await fixture.roots.copy();
      mkdirSync(join(root, 'strict'));
      chmodSync(join(root, 'strict'), 0o710);
      mkdirSync(join(root, 'own'));
      const text = await output('stat -c %a /strict /own /made', {
        root,
        mounts: [
          mount('/strict', 'tmpfs', 'tmpfs'),
          mount('/own', 'tmpfs', 'tmpfs', 'mode=1755'),
          mount('/made', 'tmpfs', 'tmpfs'),
        ],
      });
      expect(text).toBe('710\n1755\n1777\n');
    });

    it('cgroup shows the own group as its root, read-only where asked', async () => {
      const at = await seen(mount('/sys/fs/cgroup', 'cgroup', 'cgroup', 'nosuid', 'noexec', 'nodev', 'relatime', 'ro'));
      const found = at('/sys/fs/cgroup');
      expect([found.fsType, found.root]).toEqual(['cgroup2', '/']);
      expect(found.flags).toEqual(['nodev', 'noexec', 'nosuid', 'relatime', 'ro']);
      const text = await output('cat /sys/fs/cgroup/cgroup.procs | head -1; cat /proc/self/cgroup | grep ^0', {
        mounts: [mount('/sys/fs/cgroup', 'cgroup', 'cgroup', 'ro')],
      });
      expect(text).toBe('1\n0::/\n');
    });

    it('refuses id maps on what is no bind, and without maps to use', async () => {
      await refused([mount('/x', 'tmpfs', 'tmpfs', 'idmap')], 'mounts[7]', 'bind mounts only');
      await refused([mount('/x', '/run/beside', 'bind', 'bind', 'idmap')], 'mounts[7].options', 'needs maps');
      await refused([mount('/x', '/run/beside', 'bind', 'bind', 'idmap=uids=0-1-1')], 'uidMappings');
    });
  });
});
