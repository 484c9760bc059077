import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isRpcError } from '../../../host/client/rpc-error.ts';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { DEFAULT_CAPABILITIES, DEFAULT_MOUNTS } from '../../support/container/container-spec.ts';
import { TestContainer } from '../../support/container/test-container.ts';
import { amount } from '../../support/long.ts';
import { useRuntime } from '../../support/oci.ts';
import { NameSwapper } from '../../support/rootfs/name-swapper.ts';

const DEV = ['/dev', '/dev/pts', '/dev/shm', '/dev/mqueue'];
/** Terminals made while names are swapped. */
const ROUNDS = amount(60, 500);
/** Slaves of Unix 98 terminals have the major number 136 (admin-guide/devices.txt). */
/** The console is a mount on the file, whatever that is called at the moment. */
const tell = 'stat -L -c %t /proc/self/fd/0; grep -c -E " /dev/(console|bad) " /proc/self/mountinfo';
const isTerminal = /^88\s+1\s*$/;

describe('MNT-08: a terminal while its names change', { timeout: 120_000 }, () => {
  const fixture = useAgent();
  const mountsWithoutDev = DEFAULT_MOUNTS.filter(({ destination = '' }) => !DEV.includes(destination));

  /** Makes containers with a terminal whose `/dev` is of the image; gives how many came to be, each of which has a real console. */
  async function create(root: string): Promise<number> {
    let made = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const options = {
        root,
        spec: { Mounts: mountsWithoutDev },
        terminal: true,
        run: tell,
        linux: { Namespaces: [{ Type: 'mount' }], MaskedPaths: [], ReadonlyPaths: [] },
      };
      try {
        const { stdout, stderr } = await TestContainer.run(fixture.client, options);
        expect(stdout + stderr).toMatch(isTerminal);
        made += 1;
      } catch (error) {
        // What the name is in between is no place for a console, which is an error.
        if (!isRpcError(error)) throw error;
      }
    }
    return made;
  }

  it('/dev/console is swapped for a link outside', async () => {
    const root = await fixture.roots.copy();
    const dev = join(root, 'dev');
    mkdirSync(dev, { recursive: true });
    writeFileSync(join(dev, 'console'), '');
    symlinkSync(join(fixture.watched.canary.folder, 'secret'), join(dev, 'bad'));
    await using swapper = await NameSwapper.start(dev, 'console', 'bad');
    expect(await create(root)).toBeGreaterThan(0);
    expect(swapper.isRunning).toBe(true);
    expect(fixture.watched.canary.changes()).toEqual([]);
  });

  it('/dev/pts is swapped for a link to a folder with names of terminals', async () => {
    const root = await fixture.roots.copy();
    const dev = join(root, 'dev');
    mkdirSync(join(dev, 'pts'), { recursive: true });
    mkdirSync(join(root, 'fake'));
    for (const name of ['ptmx', '0', '1', '2']) writeFileSync(join(root, 'fake', name), 'fake');
    symlinkSync('/fake', join(dev, 'bad'));
    await using swapper = await NameSwapper.start(dev, 'pts', 'bad');
    expect(await create(root)).toBeGreaterThan(0);
    expect(swapper.isRunning).toBe(true);
    for (const name of ['ptmx', '0', '1', '2']) expect(readFileSync(join(root, 'fake', name), 'utf8')).toBe('fake');
  });
});

/** What root of a container with CAP_SYS_ADMIN may do to its devpts before an exec asks for a terminal. */
const tricks: readonly (readonly [string, string])[] = [
  ['a tmpfs with plain files', 'mount -t tmpfs x /dev/pts && echo fake >/dev/pts/ptmx && echo fake >/dev/pts/0'],
  ['a tmpfs with a node of the number of ptmx', 'mount -t tmpfs x /dev/pts && mknod -m 666 /dev/pts/ptmx c 5 2'],
  ['a file on ptmx', 'echo fake >/fake && mount --bind /fake /dev/pts/ptmx'],
  ['a FIFO on ptmx', 'mkfifo /fifo && mount --bind /fifo /dev/pts/ptmx'],
  ['the null device on ptmx', 'mount --bind /dev/null /dev/pts/ptmx'],
  [
    'the ptmx of another devpts',
    'mkdir /p && mount -t devpts -o newinstance,ptmxmode=666 p /p && mount --bind /p/ptmx /dev/pts/ptmx',
  ],
  ['another devpts', 'mount -t devpts -o newinstance,ptmxmode=666 p /dev/pts'],
  ['nothing', 'umount -l /dev/pts'],
];
const capabilities = [...DEFAULT_CAPABILITIES, 'CAP_SYS_ADMIN'];
/** A terminal, or an error that says why there is none, and no hang. */
const where = 'stat -L -c %t /proc/self/fd/0';

describe('MNT-08: an exec on a terminal in a container that has put on its /dev/pts', () => {
  const fixture = useAgent();
  const runtime = useRuntime();

  it.each(tricks)('%s, by the agent', async (_, trick) => {
    const root = await fixture.roots.copy();
    const Capabilities = { Bounding: capabilities, Effective: capabilities, Permitted: capabilities };
    const run = `${trick} && echo ready; sleep 100`;
    await using container = await TestContainer.start(fixture.client, { root, run, process: { Capabilities } });
    await container.readUntil('ready');
    for (let round = 0; round < 3; round++) {
      try {
        const { stdout, stderr } = await container.execute(where, { process: { Terminal: true } });
        expect(stdout + stderr).toBe('88\r\n');
      } catch (error) {
        if (!isRpcError(error)) throw error;
        expect(error.detail).toContain('ptmx');
      }
    }
    // Nothing was written to what stood in for it.
    expect((await container.execute('cat /fake 2>/dev/null; true')).stdout).toMatch(/^(fake\n)?$/);
  });

  it.each(tricks)('%s, by kihon-oci', async (_, trick) => {
    const container = await runtime().prepare(`${trick} && echo ready; sleep 100`, (config) => {
      config.process.capabilities = { bounding: capabilities, effective: capabilities, permitted: capabilities };
    });
    await container.create();
    await container.start();
    await runtime().machine.command([
      'sh',
      '-c',
      `until grep -q ready ${container.bundle.path}/stdout; do sleep 0.05; done`,
    ]);
    const { stdout, stderr, status } = await runtime().command(['exec', '--tty', container.id, '/bin/sh', '-c', where]);
    if (status === 0) expect(stdout).toBe('88\r\n');
    else expect(stderr).toContain('ptmx');
    await container.end();
  });

  it('changes all the time', async () => {
    const root = await fixture.roots.copy();
    const Capabilities = { Bounding: capabilities, Effective: capabilities, Permitted: capabilities };
    const run = 'echo ready; while :; do mount -t tmpfs x /dev/pts; echo fake >/dev/pts/ptmx; umount -l /dev/pts; done';
    await using container = await TestContainer.start(fixture.client, { root, run, process: { Capabilities } });
    await container.readUntil('ready');
    for (let round = 0; round < ROUNDS; round++) {
      try {
        const { stdout, stderr } = await container.execute(where, { process: { Terminal: true } });
        expect(stdout + stderr).toBe('88\r\n');
      } catch (error) {
        if (!isRpcError(error)) throw error;
        expect(error.detail).toMatch(/ptmx|devpts/);
      }
    }
  });
});
