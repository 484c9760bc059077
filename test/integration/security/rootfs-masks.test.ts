import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { expectStatus } from '../../support/agent/expect-status.ts';
import { createRequest, DEFAULT_MOUNTS, mount } from '../../support/container/container-spec.ts';
import { freshId, TestContainer } from '../../support/container/test-container.ts';
import { mountsSeen } from '../../support/rootfs/mount-view.ts';

const REFUSED = ['invalid_argument', 'internal', 'failed_precondition'] as const;
const DEV = ['/dev', '/dev/pts', '/dev/shm', '/dev/mqueue'];

describe('masks, consoles and /proc', () => {
  const fixture = useAgent();
  const MOUNTS_WITHOUT_DEV = DEFAULT_MOUNTS.filter(({ destination = '' }) => !DEV.includes(destination));

  describe('MNT-06: a /dev of the image whose null is', () => {
    const devWith = async (plant: (path: string) => void): Promise<string> => {
      const dev = join(await fixture.roots.copy(), 'volume-dev');
      mkdirSync(dev);
      plant(join(dev, 'null'));
      return dev;
    };
    const run = (dev: string) => {
      const spec = { Mounts: [...MOUNTS_WITHOUT_DEV, mount('/dev', dev, 'bind', 'rbind', 'rw')] };
      const linux = { Namespaces: [{ Type: 'mount' }], MaskedPaths: ['/proc/keys', '/proc/timer_list'] };
      const look =
        'cat /proc/keys /proc/timer_list | wc -c; (echo x > /proc/sys/kernel/core_pattern) 2>/dev/null; exit 0';
      return { root: fixture.root, spec, linux: { ...linux, ReadonlyPaths: ['/proc/sys'] }, run: look };
    };

    it.each<[string, (path: string) => void]>([
      ['a link to a kernel file', (path) => symlinkSync('/proc/sys/kernel/core_pattern', path)],
      ['a plain file', (path) => writeFileSync(path, '')],
      ['the zero device', (path) => void execFileSync('mknod', [path, 'c', '1', '5'])],
      ['a FIFO', (path) => void execFileSync('mkfifo', [path])],
      ['missing', () => undefined],
    ])('%s: nothing is masked with it', async (_, plant) => {
      const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'latin1');
      const request = createRequest(freshId(), run(await devWith(plant)));
      await expectStatus(fixture.client.call('CreateContainer', request), REFUSED, '/proc/keys');
      expect(readFileSync('/proc/sys/kernel/core_pattern', 'latin1')).toBe(pattern);
    });

    it('the null device: masks are that device', async () => {
      const dev = await devWith((path) => void execFileSync('mknod', ['-m', '666', path, 'c', '1', '3']));
      expect(await TestContainer.run(fixture.client, run(dev))).toMatchObject({ status: 0, stdout: '0\n' });
    });
  });

  it('MNT-07: folders, files, repetitions and missing paths; all folders share one empty tmpfs', async () => {
    const root = await fixture.roots.copy();
    const names = Array.from({ length: 200 }, (_, index) => `/masked/d${index}`);
    for (const name of names) {
      mkdirSync(join(root, name), { recursive: true });
      writeFileSync(join(root, name, 'secret'), 'secret');
    }
    writeFileSync(join(root, 'plain'), 'secret');
    const MaskedPaths = [...names, '/plain', '/plain', names[0] ?? '', '/missing', '/plain/below', '/missing/deep'];
    const linux = { Namespaces: [{ Type: 'mount' }], MaskedPaths };
    const script = `
      find /masked -name secret | wc -l
      cat /plain | wc -c
      for i in 0 7 199; do touch /masked/d$i/x 2>/dev/null || echo ro; done
      stat -c %d /masked/d* | sort -u | wc -l
      (echo x > /plain) && cat /plain | wc -c`;
    const outcome = await TestContainer.run(fixture.client, { root, linux, run: script });
    expect(outcome.stdout).toBe('0\n0\nro\nro\nro\n1\n0\n');
  });

  it('MNT-07: a mask that cannot be made for another reason is fatal', async () => {
    const root = await fixture.roots.copy();
    symlinkSync('loop', join(root, 'loop'));
    const linux = { Namespaces: [{ Type: 'mount' }], MaskedPaths: ['/loop'] };
    const request = createRequest(freshId(), { root, linux });
    await expectStatus(fixture.client.call('CreateContainer', request), REFUSED, '/loop', 'ELOOP');
  });

  describe('MNT-08: a terminal in an image with', () => {
    const withDev = async (plant: (dev: string) => void): Promise<string> => {
      const root = await fixture.roots.copy();
      mkdirSync(join(root, 'dev'), { recursive: true });
      plant(join(root, 'dev'));
      return root;
    };
    const spec = { Mounts: MOUNTS_WITHOUT_DEV };

    it.each<[string, (dev: string) => void]>([
      ['/dev/pts as a link', (dev) => symlinkSync('/etc', join(dev, 'pts'))],
      [
        '/dev/pts with a fake ptmx and 0',
        (dev) => {
          mkdirSync(join(dev, 'pts'));
          for (const name of ['ptmx', '0']) writeFileSync(join(dev, 'pts', name), 'fake');
        },
      ],
      ['/dev/console as a FIFO', (dev) => void execFileSync('mkfifo', [join(dev, 'console')])],
      [
        '/dev/console as a link outside',
        (dev) => symlinkSync(join(fixture.watched.canary.folder, 'secret'), join(dev, 'console')),
      ],
      ['/dev/ptmx as a file', (dev) => writeFileSync(join(dev, 'ptmx'), 'fake')],
    ])('%s', async (_, plant) => {
      const root = await withDev(plant);
      const options = {
        root,
        spec,
        terminal: true,
        run: 'stat -c %F:%t /dev/console',
        linux: { Namespaces: [{ Type: 'mount' }], MaskedPaths: [], ReadonlyPaths: [] },
      };
      try {
        const outcome = await TestContainer.run(fixture.client, options);
        expect(outcome).toMatchObject({ status: 0, stdout: 'character special file:88\r\n' });
      } catch (error) {
        await expectStatus(Promise.reject(error), REFUSED, '/dev/console');
      }
    });
  });

  describe('MNT-04: what may not be covered', () => {
    it.each<[string, string, string, string]>([
      ['a folder on /proc', '/proc', 'FOLDER', 'bind'],
      ['a tmpfs on /proc', '/proc', 'tmpfs', 'tmpfs'],
      ['/proc/self', '/proc/self', 'FOLDER', 'bind'],
      ['/proc/sys', '/proc/sys', 'FOLDER', 'bind'],
      ['/proc//1', '/proc//1', 'FOLDER', 'bind'],
      ['/x/../proc/1', '/x/../proc/1', 'FOLDER', 'bind'],
      ['/p/1 with /p a link to /proc', '/p/1', 'FOLDER', 'bind'],
      ['/p with /p a link to /proc', '/p', 'FOLDER', 'bind'],
      ['/p/sys with a tmpfs', '/p/sys', 'tmpfs', 'tmpfs'],
      ['/self, a link to /proc/self', '/self', 'FOLDER', 'bind'],
    ])('%s', async (_, destination, source, type) => {
      const root = await fixture.roots.copy();
      rmSync(join(root, 'p'), { force: true });
      symlinkSync('/proc', join(root, 'p'));
      symlinkSync('/proc/self', join(root, 'self'));
      const folder = join(root, 'x');
      mkdirSync(folder);
      const mounts = [mount(destination, source === 'FOLDER' ? folder : source, type, 'rbind')];
      if (type !== 'bind') mounts.splice(0, 1, mount(destination, source, type));
      const request = createRequest(freshId(), { root, mounts });
      await expectStatus(fixture.client.call('CreateContainer', request), REFUSED, '/');
    });

    it('the files that Kata and runc allow are accepted', async () => {
      const file = join(fixture.roots.folder, 'fake-proc');
      writeFileSync(file, 'fake\n');
      const paths = ['cpuinfo', 'meminfo', 'stat', 'uptime', 'loadavg', 'diskstats', 'swaps', 'net/dev'];
      const mounts = paths.map((path) => mount(`/proc/${path}`, file, 'bind', 'bind', 'ro'));
      const outcome = await TestContainer.run(fixture.client, {
        root: fixture.root,
        mounts,
        // What is below net belongs to the process that looks, so only the one that was mounted on has a cover there.
        run: `cd /proc; cat ${paths.slice(0, -1).join(' ')} | sort | uniq -c`,
      });
      expect(outcome.stdout.trim()).toBe('7 fake');
    });
  });

  it('CGN-01: a read-only bind of /sys is read-only below, too', async () => {
    const spec = {
      Mounts: [
        ...DEFAULT_MOUNTS.filter(({ destination }) => destination !== '/sys'),
        mount('/sys', '/sys', 'bind', 'rbind', 'ro'),
      ],
    };
    const script =
      'cat /proc/self/mountinfo; find /sys/fs/cgroup -name cgroup.procs | while read f; do (echo 0 > $f) 2>/dev/null && echo WROTE $f; done; exit 0';
    const outcome = await TestContainer.run(fixture.client, { root: fixture.root, spec, run: script });
    expect(outcome.stdout).not.toContain('WROTE');
    for (const [path, row] of mountsSeen(outcome.stdout)) {
      if (path === '/sys' || path.startsWith('/sys/')) expect(row.flags, path).toContain('ro');
    }
  });

  it('CGN-01: with a cgroup mount the container sees its own group and can write no other', async () => {
    const mounts = [mount('/sys/fs/cgroup', 'cgroup', 'cgroup', 'nosuid', 'noexec', 'nodev', 'ro')];
    const script =
      'ls -d /sys/fs/cgroup/*/ 2>/dev/null | wc -l; (mkdir /sys/fs/cgroup/x) 2>/dev/null || echo ro; grep -c . /sys/fs/cgroup/cgroup.procs';
    const outcome = await TestContainer.run(fixture.client, { root: fixture.root, mounts, run: script });
    expect(outcome.stdout).toMatch(/^0\nro\n[1-9]\n$/);
  });
});
