import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRpcError } from '../../host/client/rpc-error.ts';
import { describeTree } from '../support/agent/canary.ts';
import { mount } from '../support/container/container-spec.ts';
import { TestContainer } from '../support/container/test-container.ts';
import { within } from '../support/eventually.ts';
import { amount } from '../support/long.ts';
import { privileged } from '../support/vm/run-program.ts';
import { shareServers } from '../support/vm/share-servers.ts';
import { TestVm } from '../support/vm/test-vm.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

/** No request about a special file may take longer, in ms; the slow guest needs a tenth. */
const ANSWER_MS = 30_000;

/** Leaves a socket's file that nobody listens on: Node would take it away at an ordinary end. */
const SOCKET_SCRIPT =
  "require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))";

/** What root could do to the files below its working directory; prints each thing that worked. */
const CHANGE_EVERYTHING = `
  attempt() { "$@" >/dev/null 2>&1 && echo "worked: $*"; }
  attempt sh -c 'echo x > file'; attempt sh -c 'echo x >> file'; attempt sh -c ': > new'
  attempt truncate -s 0 file; attempt touch -d 2001-01-01 file; attempt chmod 777 file; attempt chown 1:1 file
  attempt mv file other; attempt ln file hard; attempt ln -s /etc soft; attempt mkdir folder; attempt mknod node c 1 3
  attempt rm -f file; attempt rmdir deep; attempt mv deep shallow; attempt chmod 777 .
  echo end`;

/** A folder that the guest may read, with one of its files opened for everybody. */
function makeSealed(share: string): { source: string; target: string; readOnly: boolean }[] {
  const source = join(share, '..', 'sealed');
  mkdirSync(join(source, 'deep'), { recursive: true });
  writeFileSync(join(source, 'file'), 'sealed\n', { mode: 0o666 });
  mkdirSync(join(share, 'sealed'));
  return [{ source, target: 'sealed', readOnly: true }];
}

describe('VMB-05: what the host shares read-only', () => {
  const fixture = useVm({ hasWitness: true, prepareShare: makeSealed });
  const before = () => describeTree(join(fixture.vm.folder, 'sealed'));
  // A mount of its own, made at the first look.
  beforeAll(async () => {
    await fixture.vm.witness(`ls ${fixture.vm.guestPath('sealed')}/`);
    await fixture.checks.rebase();
  }, 60_000);

  it('is refused by the share server to root of the guest, whatever it does to its mounts', async () => {
    const sealed = fixture.vm.guestPath('sealed');
    const was = before();
    const own = `cd ${sealed}; mount -o remount,rw . 2>/dev/null; mount -o remount,bind,rw . 2>/dev/null; ${CHANGE_EVERYTHING}
      (echo x > file) 2>&1 | grep -o 'Read-only file system'`;
    expect(await fixture.vm.witness(own)).toBe('end\nRead-only file system\n');
    expect(before()).toEqual(was);
  });

  it.each([['ro'], ['rw']])('is refused to a container that has it %s, too', async (way) => {
    const was = before();
    const { stdout } = await TestContainer.run(fixture.client, {
      root: fixture.root,
      run: `cd /vol; mount -o remount,rw /vol 2>&1 | grep -o 'not permitted\\|denied'; ${CHANGE_EVERYTHING}; cat file`,
      mounts: [mount('/vol', fixture.vm.guestPath('sealed'), 'bind', 'rbind', way)],
    });
    expect(stdout).toMatch(/^(not permitted|denied)\nend\nsealed\n$/);
    expect(before()).toEqual(was);
  });
});

describe('VMB-06: links that the guest plants in what it shares with the host', { timeout: 240_000 }, () => {
  const host = mkdtempSync(join(tmpdir(), 'kihon-planted-'));
  const [root, canary] = [join(host, 'root'), join(host, 'canary')];
  mkdirSync(join(root, 'd'), { recursive: true });
  mkdirSync(join(canary, 'deep'), { recursive: true });
  writeFileSync(join(canary, 'empty'), '');
  writeFileSync(join(canary, 'file'), 'precious\n');
  afterAll(() => rmSync(host, { recursive: true }));

  it('lead nowhere on the host, and what belongs to the VM alone goes with it', async () => {
    const before = describeTree(canary);
    const share = [{ source: root, target: 'c1/rootfs', readOnly: false }];
    await using vm = await TestVm.boot({ hasWitness: true, config: { share } });
    // The tree of the places is the host's, which walks and removes it; only what lies on the places is the guest's to change.
    const plant = `mkdir /run/s && mount -t virtiofs kataShared /run/s && cd /run/s
      mount -o remount,rw /run/s
      attempt() { "$@" >/dev/null 2>&1 && echo "worked: $*"; }
      attempt ln -s ${canary} planted; attempt mv c1 c2; attempt mkdir c2; attempt sh -c 'echo x > file'
      attempt mv c1/rootfs c1/other; attempt rmdir c1/rootfs; attempt ln -s ${canary} c1/planted; attempt chmod 777 c1
      echo end`;
    expect(await vm.witness(plant)).toBe('end\n');
    // Entries that are folders and links in turn, while somebody else goes through them.
    const swap = `cd /run/s/c1/rootfs; i=0
      (while [ $i -lt ${amount(40, 1000)} ]; do mv d was; ln -s ${canary} d; rm d; mv was d; i=$((i+1)); done) &
      while kill -0 $! 2>/dev/null; do (echo x > d/file; rm -r d/deep; mkdir d/made; rmdir d/made; chmod 777 d/empty) 2>/dev/null; done
      mkdir -p d; rm -f d/file; ln -s ${canary} left; mkfifo fifo; echo end`;
    expect(await vm.witness(swap)).toBe('end\n');
    expect(describeTree(canary)).toEqual(before);

    const servers = shareServers(vm);
    expect(servers.length).toBeGreaterThan(0);
    for (const pid of servers) {
      for (const kind of ['mnt', 'pid', 'net'])
        expect(readlinkSync(`/proc/${pid}/ns/${kind}`), kind).not.toBe(readlinkSync(`/proc/self/ns/${kind}`));
    }
    // The one that serves has nothing but the share.
    expect(servers.map((pid) => readdirSync(`/proc/${pid}/root`).join())).toContain('c1');

    await vm.vm.powerOff(0);
    expect(existsSync(join(vm.vm.directory, 'share'))).toBe(false);
    expect(describeTree(canary)).toEqual(before);
    expect(readlinkSync(join(root, 'left'))).toBe(canary);
  });
});

describe('VMB-07: special files that the host shares', () => {
  const fixture = useVm({
    hasWitness: true,
    prepareShare: (share) => {
      const folder = join(share, 'special');
      mkdirSync(folder);
      execFileSync('mknod', [join(folder, 'zero'), 'c', '1', '5']);
      execFileSync('mknod', [join(folder, 'disk'), 'b', '254', '0']);
      execFileSync('mkfifo', [join(folder, 'fifo')]);
      spawnSync(process.execPath, ['-e', SOCKET_SCRIPT, join(folder, 'socket')]);
      copyFileSync(join(share, 'roots/busybox/bin/busybox'), join(folder, 'busybox'));
      for (const name of ['zero', 'disk', 'fifo']) chmodSync(join(folder, name), 0o666);
      chmodSync(join(folder, 'busybox'), 0o6755);
      return [];
    },
  });
  const special = (name = '') => fixture.vm.guestPath(`special/${name}`);

  it('open no device, neither for root of the guest nor for a container', async () => {
    expect(await fixture.vm.witness(`grep ' virtiofs ' /proc/mounts | grep -v nodev; echo end`)).toBe('end\n');
    const open = (folder: string) => `for n in zero disk; do (: < ${folder}$n) 2>&1 | grep -o 'denied'; done; echo end`;
    expect(await fixture.vm.witness(open(special()))).toBe('denied\ndenied\nend\n');
    const { stdout } = await TestContainer.run(fixture.client, {
      root: fixture.root,
      run: open('/vol/'),
      mounts: [mount('/vol', special(), 'bind', 'rbind', 'rw')],
      ...privileged('CAP_SYS_ADMIN', 'CAP_MKNOD', 'CAP_DAC_OVERRIDE'),
    });
    expect(stdout).toBe('denied\ndenied\nend\n');
  });

  it('make nobody root where the mount says nosuid, or the process no_new_privileges', async () => {
    const user = { User: { UID: 1000, GID: 1000 }, Capabilities: {} };
    const identity = async (option: string, NoNewPrivileges: boolean): Promise<string> => {
      const { stdout } = await TestContainer.run(fixture.client, {
        root: fixture.root,
        run: ['/vol/busybox', 'sh', '-c', 'grep -E "^(Uid|CapEff)" /proc/self/status'],
        process: { ...user, NoNewPrivileges },
        mounts: [mount('/vol', special(), 'bind', 'rbind', option)],
      });
      return stdout;
    };
    const nobody = /^Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000000000\n$/;
    expect(await identity('nosuid', false)).toMatch(nobody);
    expect(await identity('suid', true)).toMatch(nobody);
  });

  const places: readonly (readonly [string, (path: string) => Promise<unknown>])[] = [
    ['GetVolumeStats', (path) => fixture.client.call('GetVolumeStats', { volume_guest_path: path })],
    ['ResizeVolume', (path) => fixture.client.call('ResizeVolume', { volume_guest_path: path, size: 1n << 20n })],
    ['AddSwapPath', (path) => fixture.client.call('AddSwapPath', { path })],
    ['a root file system', (path) => TestContainer.run(fixture.client, { root: path, run: 'exit 0' })],
    [
      'a mount on a file',
      (path) =>
        TestContainer.run(fixture.client, {
          root: fixture.root,
          run: 'exit 0',
          mounts: [mount('/etc/hosts', path, 'bind', 'rbind', 'ro')],
        }),
    ],
    [
      'a watched volume',
      (path) =>
        TestContainer.run(fixture.client, {
          root: fixture.root,
          run: 'exit 0',
          request: {
            storages: [
              { driver: 'watchable-bind', source: path, fstype: 'bind', mount_point: special('../watched/volume') },
            ],
          },
        }),
    ],
    [
      'a block storage',
      (path) =>
        TestContainer.run(fixture.client, {
          root: fixture.root,
          run: 'exit 0',
          request: {
            storages: [{ driver: 'mmioblk', source: path, fstype: 'ext4', mount_point: '/run/kata-containers/b' }],
          },
        }),
    ],
  ];
  it.each(places)('do not hold the agent up as %s', async (_, use) => {
    for (const name of ['fifo', 'socket', 'zero', 'disk', 'busybox', '']) {
      const answer = await within(
        ANSWER_MS,
        name,
        use(special(name)).then(
          () => 'ok',
          (error: unknown) => (isRpcError(error) ? error.code : String(error)),
        ),
      );
      expect(['ok', 'internal', 'invalid_argument', 'not_found', 'unimplemented'], `${name}: ${answer}`).toContain(
        answer,
      );
      await fixture.client.check();
    }
  });
});
