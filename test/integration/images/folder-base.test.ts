/** A folder of the host becomes the tree that it was unpacked from: GNU tar puts it there, and getfattr reads what Node cannot. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { directoryBase } from '../../../rootfs-builder/src/bases/simple-bases.ts';
import { materialize } from '../../../rootfs-builder/src/output/materialize.ts';
import { writeTar } from '../../../rootfs-builder/src/tar/write-tar.ts';
import { readContent } from '../../../rootfs-builder/src/tree/content.ts';
import type { FileTree } from '../../../rootfs-builder/src/tree/file-tree.ts';
import { namedInodes } from '../../../rootfs-builder/src/tree/inodes.ts';
import { surveyTree } from '../../../rootfs-builder/src/tree/survey.ts';
import { richTree } from '../../unit/rootfs-builder/rich-tree.ts';
import { collect } from '../../unit/rootfs-builder/support.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kihon-folder-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Everything of a tree but times, which a folder's files have of their own and an image does not take over. */
async function facts(tree: FileTree): Promise<unknown[]> {
  return await Promise.all(
    namedInodes(tree).map(async ({ path, inode: { entry, ino } }) => {
      const { kind, mode, uid, gid, xattrs = new Map<string, Uint8Array>() } = entry;
      const kept = [...xattrs].filter(([name]) => name !== 'security.selinux').sort();
      const content =
        entry.kind === 'file' ? Buffer.from(await collect(readContent(entry.content))).toString('hex') : '';
      const device = entry.kind === 'char' || entry.kind === 'block' ? [entry.major, entry.minor] : [];
      const target = entry.kind === 'symlink' ? entry.target : '';
      const values = kept.map(([name, value]) => [name, Buffer.from(value).toString('hex')]);
      return { path, ino, kind, mode: kind === 'symlink' ? 0o777 : mode, uid, gid, values, content, device, target };
    }),
  );
}

describe('a base that is a folder', () => {
  it('keeps owners, modes, nodes, links, holes, odd names, attributes and capabilities', async () => {
    const tree = richTree()
      .dir('srv', { xattrs: new Map([['user.folder', Uint8Array.of(0, 255, 10)]]) })
      .file('srv/\udcff\udcfe back\\slash=', 'odd', { xattrs: new Map([['user.a=b', new Uint8Array(0)]]) })
      .symlink('srv/link', 'nowhere', { xattrs: new Map([['trusted.link', Buffer.from('l')]]) });
    const source = join(folder, 'source');
    mkdirSync(source);
    const input = await collect(writeTar(tree, 1_700_000_000));
    const options = ['-xpSf', '-', '--numeric-owner', '--xattrs', '--xattrs-include=*', '-C', source];
    execFileSync('tar', options, { input, stdio: ['pipe', 'ignore', 'inherit'] });
    const { tree: read } = await directoryBase({ kind: 'dir', path: source }, {});
    expect(await facts(read)).toEqual(await facts(tree));
    expect((await surveyTree(read, 0)).sparse).toEqual((await surveyTree(tree, 0)).sparse);
    const without = await directoryBase({ kind: 'dir', path: source, xattrs: 'drop', owner: 'root' }, {});
    expect(without.tree.get('usr/bin/ping')).toEqual({ ...read.get('usr/bin/ping'), xattrs: undefined });
    expect(without.tree.get('home/user')).toMatchObject({ uid: 0, gid: 0 });
  });

  it('and is the same again when the tree is written as a folder', async () => {
    const tree = richTree()
      .dir('srv', { xattrs: new Map([['user.folder', Uint8Array.of(0, 255, 10)]]) })
      .file('srv/\udcff\udcfe back\\slash=', 'odd', { mode: 0o444, xattrs: new Map([['user.a=b', new Uint8Array(0)]]) })
      .symlink('srv/link', 'nowhere', { xattrs: new Map([['trusted.link', Buffer.from('l')]]) });
    const written = join(folder, 'written');
    expect(await materialize(tree, written, 1_700_000_000)).toEqual([]);
    const { tree: read } = await directoryBase({ kind: 'dir', path: written }, {});
    expect(await facts(read)).toEqual(await facts(tree));
    expect(statSync(join(written, 'usr/bin/exact')).mtimeMs).toBe(1_000_000_000_000);
  });

  it('says which program and package are missing, and how to do without', async () => {
    const source = join(folder, 'plain');
    mkdirSync(source);
    writeFileSync(join(source, 'file'), 'x');
    const script = `
      import { directoryBase } from ${JSON.stringify(join(process.cwd(), 'rootfs-builder/src/bases/simple-bases.ts'))};
      directoryBase({ kind: 'dir', path: ${JSON.stringify(source)} }, {}).catch((error) => console.log(error.message));
    `;
    const hidden = join(folder, 'empty');
    writeFileSync(hidden, '');
    // In a mount namespace of its own, getfattr is no program.
    const wrapper = `for each in /usr/bin /bin; do [ ! -e $each/getfattr ] || mount --bind "$0" $each/getfattr 2>/dev/null; done; exec "$@"`;
    const args = [
      '-m',
      'sh',
      '-c',
      wrapper,
      hidden,
      process.execPath,
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
      script,
    ];
    const said = execFileSync('unshare', args, { encoding: 'utf8' });
    expect(said).toMatch(/^read extended attributes of .*: getfattr: .*\(xattrs = "drop" does without\)$/m);
  });
});
