import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import { chmod, link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildInitrd } from '../../rootfs-builder/src/initrd/build-initrd.ts';
import { createBusyboxRoot } from '../../rootfs-builder/src/busybox/create-busybox-root.ts';
import { eventually } from '../support/eventually.ts';
import { nodeArguments, repository } from '../support/repository.ts';

const run = promisify(execFile);
const main = 'rootfs-builder/src/main.ts';

/** Runs the builder as a process of its own and gives what it printed and its status. */
async function builder(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; umask?: string } = {},
) {
  const command = `umask ${options.umask ?? '022'}; exec "$@"`;
  try {
    const { stdout, stderr } = await run(
      'sh',
      ['-c', command, 'sh', process.execPath, ...nodeArguments(main, ...args)],
      {
        cwd: options.cwd ?? repository,
        env: { ...process.env, ...options.env },
      },
    );
    return { status: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { status: code, stdout, stderr };
  }
}

describe('rootfs-builder', () => {
  let folder = '';
  let agent = '';
  let root = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kihon-test-'));
    agent = join(folder, 'agent');
    await writeFile(agent, Buffer.concat([Buffer.from('\x7fELF', 'latin1'), Buffer.alloc(300_000, 'agent ')]));
    root = join(folder, 'root');
    await mkdir(join(root, 'sbin'), { recursive: true });
    await mkdir(join(root, 'secret'), { mode: 0o700 });
    await writeFile(join(root, 'sbin/init'), '#!/bin/sh\n');
    await chmod(join(root, 'sbin/init'), 0o755);
    await writeFile(join(root, 'secret/a'), 'once');
    await link(join(root, 'secret/a'), join(root, 'secret/b'));
    await symlink('/nowhere', join(root, 'dangling'));
    await writeFile(join(root, 'naïve name'), '');
    await writeFile(Buffer.concat([Buffer.from(`${root}/bad`), Buffer.from([0xff])]), 'bytes');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('makes an initrd that cpio unpacks to the tree it was made from', async () => {
    const image = join(folder, 'round-trip.cpio');
    await buildInitrd({ output: image, root, compression: 'none' });
    const unpacked = join(folder, 'unpacked');
    await mkdir(unpacked);
    const said = await run('sh', ['-c', 'cpio -idm --quiet <"$0"', image], { cwd: unpacked });
    expect(said.stderr).toBe('');
    await rm(join(unpacked, 'init')); // the link the builder adds, because the kernel starts /init
    await run('diff', ['-r', '--no-dereference', root, unpacked]);
    expect(lstatSync(join(unpacked, 'secret')).mode & 0o7777).toBe(0o700);
    expect(lstatSync(join(unpacked, 'secret/a')).ino).toBe(lstatSync(join(unpacked, 'secret/b')).ino);
    expect(readlinkSync(join(unpacked, 'dangling'))).toBe('/nowhere');
  });

  it('makes the default initrd: agent, mount points, console and null, and a resolv.conf to mount over', async () => {
    const image = join(folder, 'default.cpio');
    await buildInitrd({ output: image, agent, compression: 'none', mtime: 0 });
    const { stdout } = await run('sh', ['-c', 'TZ=UTC cpio -itvn --quiet <"$0"', image]);
    const lines = stdout.split('\n').map((line) => line.replace(/\s+/g, ' '));
    expect(lines).toEqual([
      'drwxr-xr-x 2 0 0 0 Jan 1 1970 .',
      'drwxr-xr-x 2 0 0 0 Jan 1 1970 dev',
      'crw------- 1 0 0 5, 1 Jan 1 1970 dev/console',
      'crw-rw-rw- 1 0 0 1, 3 Jan 1 1970 dev/null',
      'drwxr-xr-x 2 0 0 0 Jan 1 1970 etc',
      '-rw-r--r-- 1 0 0 0 Jan 1 1970 etc/resolv.conf',
      '-rwxr-xr-x 1 0 0 300004 Jan 1 1970 init',
      'drwxr-xr-x 2 0 0 0 Jan 1 1970 proc',
      'drwx------ 2 0 0 0 Jan 1 1970 root',
      'drwxr-xr-x 2 0 0 0 Jan 1 1970 run',
      'drwxr-xr-x 2 0 0 0 Jan 1 1970 sbin',
      'lrwxrwxrwx 1 0 0 5 Jan 1 1970 sbin/init -> /init',
      'drwxr-xr-x 2 0 0 0 Jan 1 1970 sys',
      'drwxrwxrwt 2 0 0 0 Jan 1 1970 tmp',
      '',
    ]);
  });

  const built = join(repository, 'build/x86_64/kihon-agent');
  it.skipIf(!existsSync(built))('keeps the default initrd with the real agent under 1 MB', async () => {
    const { sizeBytes } = await buildInitrd({ output: join(folder, 'real.img'), agent: built });
    expect(sizeBytes).toBeLessThan(1_000_000);
  });

  it('gives the same bytes whatever the directory, umask, time zone, locale and order of options', async () => {
    const extra = join(folder, 'extra');
    const digests = new Set<unknown>();
    const surroundings = [
      { cwd: '/', umask: '000', env: { TZ: 'Asia/Tokyo', LC_ALL: 'C' } },
      { cwd: folder, umask: '077', env: { TZ: 'UTC', LC_ALL: 'C.UTF-8', HOME: '/nonexistent' } },
    ];
    for (const [index, options] of surroundings.entries()) {
      await rm(extra, { force: true });
      await writeFile(extra, 'same text', { mode: index === 0 ? 0o666 : 0o600 });
      const one = ['--file', `${extra}:/etc/one`];
      const two = ['--file', `${extra}:/etc/two:640`];
      const image = join(folder, `same-${index}.img`);
      const files = index === 0 ? [...one, ...two] : [...two, ...one];
      const result = await builder(['initrd', '--agent', agent, ...files, '--output', image, '--json'], options);
      expect(result).toMatchObject({ status: 0, stderr: '' });
      digests.add((JSON.parse(result.stdout) as { sha256: string }).sha256);
      digests.add((await run('sha256sum', [image])).stdout.split(' ')[0]);
    }
    expect(digests.size).toBe(1);
  });

  it('takes the time of the files from SOURCE_DATE_EPOCH', async () => {
    const image = join(folder, 'dated.cpio');
    await builder(['initrd', '--agent', agent, '--compress', 'none', '--output', image], {
      env: { SOURCE_DATE_EPOCH: '86400' },
    });
    const { status, stdout } = await builder(['list', image, '--json']);
    expect(status).toBe(0);
    expect(new Set((JSON.parse(stdout) as { mtime: number }[]).map(({ mtime }) => mtime))).toEqual(new Set([86_400]));
  });

  it.each([
    [
      'a missing agent',
      ['initrd', '--agent', '/nonexistent', '--output', 'OUT'],
      1,
      /^rootfs-builder: read \/nonexistent: ENOENT\n$/,
    ],
    ['no output', ['initrd', '--agent', 'AGENT'], 1, /^rootfs-builder: initrd: --output FILE is missing.*\n$/],
    ['nothing to build from', ['initrd', '--output', 'OUT'], 1, /needs an agent, a root directory, or both\n$/],
    [
      'a root without init',
      ['initrd', '--root', 'EMPTY', '--output', 'OUT'],
      1,
      /has neither \/init nor \/sbin\/init; give an agent\n$/,
    ],
    [
      'a path that leaves the tree',
      ['initrd', '--agent', 'AGENT', '--file', 'AGENT:/../x', '--output', 'OUT'],
      1,
      /component "\.\."\n$/,
    ],
    [
      'an unknown compression',
      ['initrd', '--agent', 'AGENT', '--compress', 'rar', '--output', 'OUT'],
      1,
      /must be one of gzip, zstd, none\n$/,
    ],
    [
      'a folder without modules',
      ['initrd', '--agent', 'AGENT', '--modules', 'EMPTY', '--output', 'OUT'],
      1,
      /kernel modules .*: empty\n$/,
    ],
    ['an unknown option', ['initrd', '--bogus'], 2, /^rootfs-builder: initrd: Unknown option '--bogus'.*\n$/],
    ['an unknown command', ['bogus'], 2, /^rootfs-builder: unknown command "bogus".*\n$/],
    [
      'an option of another command',
      ['busybox', '--agent', 'AGENT', '--output', 'OUT'],
      1,
      /--agent does not belong here/,
    ],
    ['a file that is no archive', ['list', 'AGENT'], 1, /^rootfs-builder: cpio archive: no newc header at byte 0\n$/],
  ])('answers %s with one line and writes nothing', async (_, args, status, message) => {
    const bed = await mkdtemp(join(folder, 'refused-'));
    await mkdir(join(bed, 'empty'));
    const place = { OUT: join(bed, 'out'), AGENT: agent, EMPTY: join(bed, 'empty') };
    const result = await builder(
      args.map((arg) => arg.replace(/OUT|AGENT|EMPTY/, (word) => place[word as keyof typeof place])),
    );
    expect(result).toMatchObject({ status, stdout: '', stderr: expect.stringMatching(message) as string });
    expect(result.stderr.split('\n')).toHaveLength(2);
    expect(await readdir(bed)).toEqual(['empty']);
  });

  it('leaves nothing behind when it is interrupted', async () => {
    const bed = await mkdtemp(join(folder, 'interrupted-'));
    const large = join(folder, 'large');
    await writeFile(large, '');
    await run('truncate', ['-s', '3G', large]);
    const child = spawn(
      process.execPath,
      nodeArguments(main, 'initrd', '--agent', large, '--output', join(bed, 'out')),
      {
        stdio: 'ignore',
      },
    );
    const exited = once(child, 'exit');
    await eventually(async () => expect(child.exitCode !== null || (await readdir(bed)).length > 0).toBe(true));
    child.kill('SIGINT');
    expect(await exited).toEqual([130, null]);
    expect(await readdir(bed)).toEqual([]);
    await rm(large);
  });

  it('makes a busybox root that programs run in', async () => {
    const directory = join(folder, 'busybox');
    await createBusyboxRoot(directory);
    expect(lstatSync(join(directory, 'tmp')).mode & 0o7777).toBe(0o1777);
    const { stdout } = await run('chroot', [
      directory,
      '/bin/sh',
      '-c',
      'echo $(id -un) $(ls -d /proc) $(wc -c </etc/resolv.conf)',
    ]);
    expect(stdout).toBe('root /proc 0\n');
    await expect(createBusyboxRoot(directory)).rejects.toThrow('is there already and not empty');
  });

  it('writes the same busybox root as a tar archive', async () => {
    const directory = join(folder, 'busybox-again');
    await createBusyboxRoot(directory);
    const tar = join(folder, 'busybox.tar');
    expect((await builder(['busybox', '--tar', tar])).status).toBe(0);
    const unpacked = await mkdtemp(join(folder, 'tar-'));
    await run('tar', ['-xf', tar, '-C', unpacked]);
    await run('diff', ['-r', '--no-dereference', directory, unpacked]);
    expect(await readFile(join(unpacked, 'etc/passwd'), 'utf8')).toMatch(/^root:/);
  });
});
