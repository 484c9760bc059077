/**
 * Builds of a user without any right, beside those of root: the same bytes. What root's build does is traced, so that it shows whether it
 * mounts something, makes a device or looks for a loop device.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { findBusybox } from '../../../rootfs-builder/src/busybox/find-busybox.ts';
import { writeTar } from '../../../rootfs-builder/src/tar/write-tar.ts';
import { FileTree } from '../../../rootfs-builder/src/tree/file-tree.ts';
import { CAP_NET_RAW, richTree } from '../../unit/rootfs-builder/rich-tree.ts';
import { collect } from '../../unit/rootfs-builder/support.ts';
import { mountsBelow } from '../rootfs/mount-view.ts';
import { digestsBelow } from './digests-below.ts';
import { bundleKihon, outcomeOf, type Outcome } from './kihon-command.ts';

/** A user and group that no system has given to anybody. */
const NOBODY = 54_321;

/** One build. */
export interface UserRow {
  readonly base: 'none' | 'busybox' | 'dir' | 'tar' | 'plain-tar';
  readonly kind: 'image' | 'initrd' | 'rootfs';
  /** The recipe's `[output]`. */
  readonly output: Readonly<Record<string, string | boolean>>;
}

/** A row in words. */
export function describeUserRow({ base, kind, output }: UserRow): string {
  return `${kind} of ${base}: ${Object.entries(output)
    .map(([key, value]) => (typeof value === 'string' ? value : `${value ? '' : 'no '}${key}`))
    .join(' ')}`;
}

/** What both users read; it is owned by root and can be read by everybody, as a package's or a colleague's files. */
export interface UserFixture {
  readonly folder: string;
  readonly kihon: string;
}

/** What the tests of a file build from; it goes away after them. */
export function useUserFixture(): () => UserFixture {
  let fixture: UserFixture | undefined;
  const folder = mkdtempSync(join(tmpdir(), 'kihon-user-'));
  beforeAll(async () => {
    fixture = await prepareUserFixture(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return () => {
    if (fixture === undefined) throw new Error('the fixture is made before the first test');
    return fixture;
  };
}

/** Puts the command, the bases and a stand-in for the agent into `folder`. */
async function prepareUserFixture(folder: string): Promise<UserFixture> {
  chmodSync(folder, 0o755);
  const kihon = await bundleKihon(folder);
  const inputs = join(folder, 'inputs');
  mkdirSync(join(inputs, 'dir'), { recursive: true });
  const agent = Buffer.concat([Buffer.from('\x7fELF', 'latin1'), Buffer.alloc(200_000, 'agent ')]);
  writeFileSync(join(inputs, 'agent'), agent, { mode: 0o755 });
  copyFileSync(await findBusybox(), join(inputs, 'busybox'));
  chmodSync(join(inputs, 'busybox'), 0o755);
  writeFileSync(join(inputs, 'tar.tar'), await collect(writeTar(richTree(), 1_700_000_000)));
  const plain = richTree({ xattrs: false, links: false });
  writeFileSync(join(inputs, 'plain-tar.tar'), await collect(writeTar(plain, 1_700_000_000)));
  const options = ['-xpSf', '-', '--numeric-owner', '--xattrs', '--xattrs-include=*', '-C', join(inputs, 'dir')];
  const input = await collect(writeTar(readableTree(), 1_700_000_000));
  execFileSync('tar', options, { input, stdio: ['pipe', 'ignore', 'inherit'] });
  return { folder, kihon };
}

/** A folder of which an ordinary user may read everything: nodes, owners, a capability, links and a hole. */
function readableTree(): FileTree {
  return new FileTree()
    .file('usr/bin/ping', 'ping', { mode: 0o755, xattrs: new Map([['security.capability', CAP_NET_RAW]]) })
    .file('usr/bin/su', 'su', { mode: 0o4755 })
    .link('usr/bin/ping6', 'usr/bin/ping')
    .file('home/user/note', 'x', { uid: 1000, gid: 1000, mode: 0o644, xattrs: new Map([['user.a', Buffer.from('b')]]) })
    .file('usr/share/holey', new Uint8Array(2 << 20))
    .device('dev/null', 'char', 1, 3, { mode: 0o666 })
    .device('dev/vda', 'block', 254, 300, { mode: 0o660, gid: 6 })
    .special('run/pipe', 'fifo', { mode: 0o622 })
    .symlink('bin', 'usr/bin');
}

function recipeText(row: UserRow, inputs: string): string {
  const base = {
    none: '"none"',
    busybox: `{ kind = "busybox", busybox = "${inputs}/busybox" }`,
    dir: `{ kind = "dir", path = "${inputs}/dir", owner = "keep" }`,
    tar: `"tar:${inputs}/tar.tar"`,
    'plain-tar': `"tar:${inputs}/plain-tar.tar"`,
  }[row.base];
  return [
    `base = ${base}`,
    `agent = { binary = "${inputs}/agent" }`,
    '[[file]]',
    'target = "/etc/owned"',
    'content = "x"',
    'owner = "7:8"',
    'mode = "4711"',
    '[output]',
    ...Object.entries(row.output).map(([key, value]) => `${key} = ${JSON.stringify(value)}`),
    '',
  ].join('\n');
}

const AS_NOBODY = [
  'setpriv',
  `--reuid=${NOBODY}`,
  `--regid=${NOBODY}`,
  ...['--clear-groups', '--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all', '--no-new-privs'],
];

/** Calls that would be a mount, a node, another root or a namespace in which such a thing is allowed, and what opens a file. */
const TRACED =
  'mount,umount2,pivot_root,chroot,fsopen,fsmount,fspick,open_tree,move_mount,mount_setattr,mknod,mknodat,unshare,setns,open,openat,openat2';

function tracing(log: string): string[] {
  return ['strace', '-f', '--seccomp-bpf', '-qq', '-s', '200', '-o', log, '-e', `trace=${TRACED}`];
}

/** Lines of a trace that are none of an ordinary program's: all but files that are opened and are no loop device. */
function suspicious(log: string): string[] {
  return readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !/ (?:(?:---|\+\+\+) |<\.\.\. open)/.test(line))
    .filter((line) => !/ open(?:at|at2)?\(/.test(line) || line.includes('/dev/loop'));
}

/** Builds a row in a folder of its own, with a home and a cache of its own. */
async function build(
  { folder, kihon }: UserFixture,
  row: UserRow,
  name: string,
  user: number,
  wrapper: readonly string[],
): Promise<{ outcome: Outcome; place: string }> {
  const place = join(folder, name);
  const home = join(place, 'home');
  const out = join(place, 'out');
  for (const each of [place, home, out]) {
    mkdirSync(each, { recursive: true });
    chownSync(each, user, user);
  }
  writeFileSync(join(place, 'guest.toml'), recipeText(row, join(folder, 'inputs')), { mode: 0o644 });
  const command = [process.execPath, kihon, 'build', row.kind, join(place, 'guest.toml'), '--output', 'guest.out'];
  const env = { HOME: home, SOURCE_DATE_EPOCH: '1000000000' };
  return { outcome: await outcomeOf([...wrapper, ...command], { cwd: out, env }), place };
}

/** Root, traced, and a user without rights build the same bytes; neither mounts anything nor leaves a thing beside the result. */
export async function proveOrdinaryUser(fixture: UserFixture, row: UserRow, name: string): Promise<void> {
  const log = join(fixture.folder, `${name}.trace`);
  const byRoot = await build(fixture, row, `${name}-root`, 0, tracing(log));
  expect(byRoot.outcome).toMatchObject({ status: 0 });
  expect(readFileSync(log, 'utf8')).toContain('guest.out'); // the trace has seen the build
  expect(suspicious(log)).toEqual([]);
  const byNobody = await build(fixture, row, `${name}-nobody`, NOBODY, AS_NOBODY);
  expect(byNobody.outcome).toMatchObject({ status: 0 });
  expect(mountsBelow(fixture.folder)).toEqual([]);
  expect(digestsBelow(join(byNobody.place, 'out'))).toEqual(digestsBelow(join(byRoot.place, 'out')));
  // The image, two bills of materials and the provenance; a measured one has its root hash besides.
  expect(readdirSync(join(byNobody.place, 'out'))).toEqual(
    expect.arrayContaining(['guest.out', 'guest.out.spdx.json', 'guest.out.cdx.json', 'guest.out.provenance.json']),
  );
  expect(readdirSync(join(byNobody.place, 'home/.cache/kihon/images/tmp'))).toEqual([]);
}

/** That the trace shows a mount, a loop device and a node when somebody makes them. */
export async function proveTrace({ folder }: UserFixture): Promise<void> {
  const log = join(folder, 'control.trace');
  const script = 'mount --bind "$0" "$0"; losetup --find; mknod "$0/node" c 1 3; rm "$0/node"';
  const place = join(folder, 'control');
  mkdirSync(place);
  await outcomeOf([...tracing(log), 'unshare', '-m', 'sh', '-c', script, place], { cwd: folder });
  const found = suspicious(log).join('\n');
  for (const call of [/mount\(|move_mount\(/, /unshare\(/, /"\/dev\/loop-control"/, /mknod(at)?\(/])
    expect(found).toMatch(call);
}
