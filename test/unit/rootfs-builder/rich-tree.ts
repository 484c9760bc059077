import { FileTree } from '../../../rootfs-builder/src/tree/file-tree.ts';

/** VFS_CAP_REVISION_2 with cap_net_raw permitted and effective (linux/capability.h). */
export const CAP_NET_RAW = Uint8Array.from([1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

/** Bytes that do not repeat. */
export function noise(lengthBytes: number, seed = 1): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: lengthBytes }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 16) & 0xff;
  });
}

/** A sparse file: data at both ends and a hole of 1 MiB between. */
export function holeyBytes(): Uint8Array {
  const bytes = new Uint8Array(1024 * 1024 + 8192 + 100);
  bytes.set(noise(4096, 2), 0);
  bytes.set(noise(4196, 3), bytes.length - 4196);
  return bytes;
}

/** A tree with everything that an image must keep. `extras` are what only some formats hold. */
export function richTree(
  extras: { readonly socket?: boolean; readonly xattrs?: boolean; readonly links?: boolean } = {},
): FileTree {
  const { socket = false, xattrs = true, links = true } = extras;
  const attribute = (entries: [string, Uint8Array][]): { xattrs?: Map<string, Uint8Array> } =>
    xattrs ? { xattrs: new Map(entries) } : {};
  const label: [string, Uint8Array] = ['security.selinux', Buffer.from('system_u:object_r:bin_t:s0\0')];
  const tree = new FileTree()
    .dir('etc', { mode: 0o755 })
    .file('etc/hostname', 'guest\n')
    .file('etc/shadow', 'root:*::0:99999:7:::\n', { mode: 0o640, gid: 42 })
    .file('etc/empty', '')
    .dir('tmp', { mode: 0o1777 })
    .dir('home/user', { mode: 0o700, uid: 1000, gid: 1000 })
    .file('home/user/huge-id', 'x', { uid: 4_000_000_000, gid: 3_000_000_000 })
    .file('usr/bin/ping', noise(70_000), { mode: 0o755, ...attribute([['security.capability', CAP_NET_RAW], label]) })
    .file('usr/bin/su', noise(4096, 7), { mode: 0o4755, ...attribute([label]) })
    .file('usr/bin/exact', noise(8192, 8), { mode: 0o755, mtime: 1_000_000_000 })
    .file('usr/share/holey', holeyBytes(), attribute([['user.note', Buffer.from('sparse')]]))
    .symlink('bin', 'usr/bin')
    .symlink('usr/long-link', `/${'a'.repeat(200)}`)
    .device('dev/null', 'char', 1, 3, { mode: 0o666 })
    .device('dev/vda', 'block', 254, 300, { mode: 0o660, gid: 6 })
    .special('run/pipe', 'fifo', { mode: 0o622 });
  if (links) tree.link('usr/bin/ping6', 'usr/bin/ping').link('etc/hostname2', 'etc/hostname');
  if (socket) tree.special('run/socket', 'socket', { mode: 0o755 });
  for (let index = 0; index < 300; index++) tree.file(`usr/lib/many/file-with-a-long-name-${index}`, `${index}\n`);
  return tree;
}

/** The same with files that become smaller, in sizes around what a block holds. */
export function compressibleTree(): FileTree {
  const words = noise(2000, 11);
  const text = Buffer.from(
    Array.from({ length: 60_000 }, (_, index) => `word${(words[index % 2000] ?? 0) % 50} `).join(''),
  );
  return richTree()
    .file('usr/share/text', text, { mtime: 1_000_000_000 })
    .file('usr/share/same', new Uint8Array(1_000_000).fill(7), { xattrs: new Map([['user.note', Buffer.from('all')]]) })
    .file(
      'usr/share/mixed',
      Buffer.concat([noise(20_000, 4), text.subarray(0, 50_000), noise(9000, 5), text.subarray(0, 7)]),
    )
    .file('usr/share/exact', text.subarray(0, 3 * 4096))
    .file('usr/share/one-byte-more', text.subarray(0, 4097))
    .link('usr/share/linked', 'usr/share/text');
}
