import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Edit, mount, type OciMount, withoutNamespace, withUserNamespace } from '../../support/oci-bundle.ts';
import { HostMachine, shell } from '../../support/oci-machine.ts';
import { OciRuntime } from '../../support/oci-runtime.ts';
import { releaseAgent, runtimeOf } from '../../support/repository.ts';
import { mountsSeen, type SeenMount } from '../../support/rootfs/mount-view.ts';

const maps = (hostID: number, size = 1000): Partial<OciMount> => {
  const map = [{ containerID: 0, hostID, size }];
  return { uidMappings: map, gidMappings: map };
};

describe('mounts of kihon-oci', () => {
  let machine: HostMachine;
  let runtime: OciRuntime;
  let volume = '';

  beforeAll(async () => {
    machine = await HostMachine.start();
    const program = join(machine.folder, 'kihon-oci');
    symlinkSync(runtimeOf(releaseAgent), program);
    runtime = new OciRuntime('kihon-oci', machine, [program]);
    volume = join(machine.folder, 'volume');
    mkdirSync(join(volume, 'in'), { recursive: true });
    writeFileSync(join(volume, 'file'), 'text\n');
    // Mount points are there already: the root of a user namespace could not make them in somebody else's image.
    for (const name of ['v', 'w', 'x']) mkdirSync(join(machine.busybox, name));
    await shell(machine, `chown 5:5 ${volume}/file ${volume}/in`);
  });
  afterEach(() => runtime.verify());
  afterAll(() => machine[Symbol.asyncDispose]());

  const output = async (script: string, edit: Edit, args: readonly string[] = []): Promise<string> => {
    const container = await runtime.prepare(script, edit);
    const outcome = await runtime.command(['run', ...args, '--bundle', container.bundle.path, container.id]);
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    return outcome.stdout;
  };
  const table = async (edit: Edit, args?: readonly string[]): Promise<ReadonlyMap<string, SeenMount>> =>
    mountsSeen(await output('cat /proc/self/mountinfo', edit, args));
  const bind = (destination: string, options: string[], more: Partial<OciMount> = {}): OciMount => ({
    ...mount(destination, 'bind', volume, ...options),
    ...more,
  });

  describe('PRV-11: id-mapped mounts', () => {
    it('show the owners that their maps say, two maps of one source apart', async () => {
      const text = await output(
        'stat -c %u:%g /v/file /w/file /x/file; touch /v/in/made; stat -c %u /x/in/made',
        (config) => {
          config.mounts.push(
            bind('/v', ['rbind', 'idmap'], {
              uidMappings: [{ containerID: 5, hostID: 0, size: 1 }],
              gidMappings: [{ containerID: 5, hostID: 0, size: 1 }],
            }),
            bind('/w', ['bind'], maps(9000)),
            bind('/x', ['bind']),
          );
        },
      );
      // What root makes through a map belongs to whom the map says.
      expect(text).toBe('0:0\n9005:9005\n5:5\n5\n');
    });

    it('take the maps of the user namespace when they have none', async () => {
      const text = await output('stat -c %u:%g /v/file /w/file', (config) => {
        withUserNamespace(config);
        config.mounts.push(bind('/v', ['bind', 'idmap']), bind('/w', ['bind']));
      });
      expect(text).toBe('5:5\n65534:65534\n');
    });

    it.each<[string, Edit, string]>([
      ['on a tmpfs', (config) => void config.mounts.push(mount('/v', 'tmpfs', 'tmpfs', 'idmap')), 'mounts[5]'],
      [
        'without maps and without a user namespace',
        (config) => void config.mounts.push(mount('/v', 'bind', '/tmp', 'bind', 'idmap')),
        'mounts[5]',
      ],
      [
        'of a file system that cannot',
        (config) => void config.mounts.push({ ...mount('/v', 'bind', '/proc', 'bind'), ...maps(7) }),
        'mounts[5]',
      ],
      [
        'with overlapping maps',
        (config) => {
          const map = [...(maps(7).uidMappings as object[]), ...(maps(9).uidMappings as object[])];
          config.mounts.push({ ...mount('/v', 'bind', '/tmp', 'bind'), uidMappings: map, gidMappings: map });
        },
        'mounts[5].uidMappings',
      ],
    ])('%s are refused', async (_, edit, words) => {
      expect(await runtime.refusal(edit)).toContain(words);
    });

    it('leave nothing when the create fails after them', async () => {
      const text = await runtime.refusal((config) => {
        config.mounts.push(bind('/v', ['bind'], maps(9000)), mount('/w', 'nosuchfs', 'x'));
      });
      expect(text).toContain('nosuchfs');
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain('idmapped');
    });
  });

  describe('CGN-01: cgroup mounts', () => {
    const cgroup = (...options: string[]): OciMount =>
      mount('/sys/fs/cgroup', 'cgroup', 'cgroup', 'nosuid', 'noexec', 'nodev', ...options);
    const look = `
      grep -q " /sys/fs/cgroup " /proc/self/mountinfo && echo mounted
      cat /sys/fs/cgroup/cgroup.procs | grep -c .
      mkdir /sys/fs/cgroup/made 2>/dev/null && echo wrote
      for f in $(find /sys/fs/cgroup/.. -maxdepth 2 -name cgroup.procs); do
        case $f in */../cgroup/cgroup.procs) ;; *) (echo 0 > $f) 2>/dev/null && echo wrote $f;; esac
      done; exit 0`;

    it.each<[string, boolean, boolean]>([
      ['with a cgroup namespace', true, false],
      ['without one', false, false],
      ['in a user namespace', true, true],
      ['in a user namespace without one', false, true],
    ])('show the own group %s, and ro holds', async (_, hasNamespace, hasUser) => {
      const text = await output(look, (config) => {
        if (hasNamespace) config.linux.namespaces.push({ type: 'cgroup' });
        if (hasUser) withUserNamespace(config);
        config.mounts.push(cgroup('ro'));
      });
      expect(text).toMatch(/^mounted\n[1-9]\n$/);
    });

    it('are read-only without a namespace unless `rw` is asked for, and then the own group alone is not', async () => {
      const plain = await output(look, (config) => void config.mounts.push(cgroup()));
      expect(plain).toMatch(/^mounted\n[1-9]\n$/);
      const writable = await output(`${look.replace('exit 0', '')} rmdir /sys/fs/cgroup/made`, (config) => {
        config.mounts.push(cgroup('rw'));
      });
      expect(writable).toMatch(/^mounted\n[1-9]\nwrote\n$/);
    });

    it('a read-only /sys of the machine is so below, with or without a network namespace', async () => {
      for (const withSysfs of [true, false]) {
        const seen = await table((config) => {
          withUserNamespace(config);
          withoutNamespace(config, 'network');
          if (!withSysfs) {
            config.mounts = config.mounts.filter(({ destination }) => destination !== '/sys');
            config.mounts.push(mount('/sys', 'bind', '/sys', 'rbind', 'ro'));
          }
        });
        const below = [...seen].filter(([path]) => path === '/sys' || path.startsWith('/sys/'));
        expect(below.length).toBeGreaterThan(1);
        for (const [path, row] of below) expect(row.flags, path).toContain('ro');
      }
    });
  });

  describe('in a user namespace', () => {
    it('devices are those of the machine', async () => {
      const text = await output(
        'stat -c "%n %t:%T" /dev/null /dev/zero /dev/tty; echo x > /dev/null && head -c 2 /dev/zero | wc -c',
        (config) => withUserNamespace(config),
      );
      expect(text).toBe('/dev/null 1:3\n/dev/zero 1:5\n/dev/tty 5:0\n2\n');
    });

    it('a device that the machine has under another number is refused', async () => {
      const text = await runtime.refusal((config) => {
        withUserNamespace(config);
        config.linux.devices = [{ path: '/dev/zero', type: 'c', major: 1, minor: 3 }];
      });
      expect(text).toContain('/dev/zero');
    });

    it('devpts is there without a group 5, too', async () => {
      const seen = await table((config) => withUserNamespace(config, 100_000, 3));
      expect(seen.get('/dev/pts')?.superOptions).not.toContain('gid');
    });

    it('volumes can lie where only the machine can look', async () => {
      const hidden = join(machine.folder, 'hidden/volume');
      mkdirSync(hidden, { recursive: true });
      writeFileSync(join(hidden, 'file'), 'found\n');
      await shell(machine, `chmod 700 ${dirname(hidden)}`);
      const text = await output('cat /v/file', (config) => {
        withUserNamespace(config);
        config.mounts.push(mount('/v', 'bind', hidden, 'rbind', 'ro'));
      });
      expect(text).toBe('found\n');
    });

    it('masks and read-only paths hold', async () => {
      const text = await output(
        'cat /proc/keys | wc -c; ls /sys/firmware | wc -l; (echo x > /proc/sys/kernel/domainname) 2>/dev/null || echo ro',
        (config) => {
          withUserNamespace(config);
          config.linux.maskedPaths = ['/proc/keys', '/sys/firmware'];
          config.linux.readonlyPaths = ['/proc/sys'];
        },
      );
      expect(text).toBe('0\n0\nro\n');
    });

    it('MNT-14: locked flags of a source stay, and asking for less is refused', async () => {
      const source = join(machine.folder, 'locked');
      const script = (config: string): string => `
        mkdir -p ${source}; mount -t tmpfs -o ro,nosuid,nodev,noexec,noatime locked ${source}
        exec ${runtime.argv[0]} --root ${runtime.stateFolder} run --bundle ${config} "$1"`;
      const run = async (options: string[]) => {
        const container = await runtime.prepare('grep " /v " /proc/self/mountinfo', (config) => {
          withUserNamespace(config);
          config.mounts.push(mount('/v', 'bind', source, 'rbind', ...options));
        });
        return await machine.command(['unshare', '-m', 'sh', '-c', script(container.bundle.path), 'sh', container.id]);
      };
      const kept = await run(['rprivate', 'nosuid', 'nodev']);
      expect(kept).toMatchObject({
        status: 0,
        stdout: expect.stringContaining(' ro,nosuid,nodev,noexec,noatime ') as string,
      });
      for (const options of [['rw'], ['exec'], ['suid'], ['relatime']]) {
        const outcome = await run(options);
        expect(outcome.status, options.join()).not.toBe(0);
        expect(outcome.stderr).toContain('locked');
      }
    });
  });

  describe('the root', () => {
    it.each<[string, boolean]>([
      ['', false],
      ['', true],
      ['rslave', false],
      ['shared', false],
      ['shared', true],
      ['unbindable', true],
    ])(
      '--no-pivot, propagation %j, user namespace %j: one mount on /, nothing of the machine',
      async (kind, hasUser) => {
        const seen = await table(
          (config) => {
            if (kind !== '') config.linux.rootfsPropagation = kind;
            if (hasUser) withUserNamespace(config);
          },
          ['--no-pivot'],
        );
        expect(seen.get('/')?.root).toContain('/rootfs');
        expect([...seen.keys()].sort()).toEqual(
          expect.arrayContaining(['/', '/dev', '/dev/pts', '/dev/shm', '/proc', '/sys']),
        );
        for (const path of seen.keys()) expect(path).toMatch(/^\/($|dev|proc|sys)/);
      },
    );

    it('--no-pivot refuses private propagation, which would not be safe', async () => {
      const container = await runtime.prepare('true', (config) => (config.linux.rootfsPropagation = 'private'));
      const args = ['run', '--no-pivot', '--bundle', container.bundle.path, container.id];
      const outcome = await runtime.command(args);
      expect(outcome).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('linux.rootfsPropagation') as string,
      });
    });

    it.each<[string, RegExp]>([
      ['shared', /^shared:/],
      ['rshared', /^shared:/],
      ['unbindable', /^unbindable$/],
      ['runbindable', /^unbindable$/],
    ])('rootfsPropagation %s', async (kind, field) => {
      const seen = await table((config) => (config.linux.rootfsPropagation = kind));
      expect(seen.get('/')?.optional).toEqual([expect.stringMatching(field)]);
    });

    it('read-only, with what is mounted in it still writable', async () => {
      const text = await output(
        '(touch /x) 2>/dev/null || echo ro; touch /dev/shm/x && echo rw',
        (config) => (config.root.readonly = true),
      );
      expect(text).toBe('ro\nrw\n');
    });
  });
});
