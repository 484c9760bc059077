import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { expectStatus } from '../../support/agent/expect-status.ts';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { eventually } from '../../support/eventually.ts';

const SHARE = '/run/kata-containers/shared/containers';
const FILE = 0o100644;
const DIRECTORY = 0o040755;
const LINK = 0o120777;

interface Copy {
  readonly file_mode?: number;
  readonly dir_mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly file_size?: bigint;
  readonly offset?: bigint;
}

describe('CopyFile', () => {
  const fixture = useAgent({
    prepare:
      'mkdir -p /run/outside && echo secret > /run/outside/secret && mkdir -p /run/kata-containers/shared/containers',
  });
  /** The share as this process sees it. */
  let share = '';
  let outside = '';
  beforeAll(() => {
    share = fixture.agent.path(SHARE);
    outside = fixture.agent.path('/run/outside');
  });
  afterEach(() => {
    for (const name of readdirSync(share)) rmSync(join(share, name), { recursive: true, force: true });
    expect(readdirSync(outside)).toEqual(['secret']);
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret\n');
  });

  const copy = async (path: string, text: string | Uint8Array, options: Copy = {}): Promise<unknown> => {
    const data = typeof text === 'string' ? Buffer.from(text) : text;
    return fixture.client.call('CopyFile', {
      path: path.startsWith('/') ? path : `${SHARE}/${path}`,
      file_mode: FILE,
      dir_mode: 0o750,
      file_size: BigInt(data.length),
      data,
      ...options,
    });
  };
  const at = (name: string): string => join(share, name);
  const read = (name: string): string => readFileSync(at(name), 'utf8');
  /** Everything below the share, hidden names too; links are not followed. */
  const all = (): string[] =>
    execFileSync('find', [`${share}/`, '-mindepth', '1', '-printf', '%P\\n'], { encoding: 'utf8' })
      .split('\n')
      .filter((name) => name !== '')
      .sort();
  const mode = (name: string): number => lstatSync(at(name)).mode & 0o7777;

  it('makes a file with its parents, mode and owner', async () => {
    await copy('a/b/c.json', 'hello', { file_mode: 0o104640, uid: 1000, gid: 2 ** 31 - 1, dir_mode: 0x800001e8 });
    expect(read('a/b/c.json')).toBe('hello');
    expect(mode('a/b/c.json')).toBe(0o4640);
    expect(lstatSync(at('a/b/c.json'))).toMatchObject({ uid: 1000, gid: 2 ** 31 - 1 });
    expect(mode('a')).toBe(0o750);
    expect(lstatSync(at('a/b'))).toMatchObject({ uid: 1000, gid: 2 ** 31 - 1 });
    expect(lstatSync(share).uid).toBe(0);
    expect(all()).toEqual(['a', 'a/b', 'a/b/c.json']);
  });

  it('makes an empty file, and leaves the owner for -1', async () => {
    await copy('empty', '', { uid: -1, gid: -1 });
    expect(read('empty')).toBe('');
    expect(lstatSync(at('empty'))).toMatchObject({ uid: 0, gid: 0 });
  });

  it('takes a file of 3 MiB in one message, and one in chunks of 1 MiB', async () => {
    const big = Buffer.alloc(3 << 20, 'x');
    await copy('one', big);
    expect(lstatSync(at('one')).size).toBe(big.length);
    for (let offset = 0; offset < big.length; offset += 1 << 20)
      await copy('two', big.subarray(offset, offset + (1 << 20)), {
        file_size: BigInt(big.length),
        offset: BigInt(offset),
      });
    expect(readFileSync(at('two')).equals(big)).toBe(true);
    expect(all()).toEqual(['one', 'two']);
  });

  it('API-07: a file appears when it is complete and not before; until then the old one is there', async () => {
    await copy('a', 'old');
    await copy('a', 'hello ', { file_size: 11n });
    expect(read('a')).toBe('old');
    await copy('a', 'world', { file_size: 11n, offset: 6n });
    expect(read('a')).toBe('hello world');
    expect(all()).toEqual(['a']);
  });

  it('API-07: chunks may overlap, repeat and come in any order after the first; a hole is never complete', async () => {
    await copy('a', 'ab', { file_size: 9n });
    await copy('a', 'hi', { file_size: 9n, offset: 7n });
    expect(existsSync(at('a'))).toBe(false);
    await copy('a', 'hi', { file_size: 9n, offset: 7n });
    await copy('a', 'bcd', { file_size: 9n, offset: 1n });
    expect(existsSync(at('a'))).toBe(false);
    await copy('a', 'efgh', { file_size: 9n, offset: 4n });
    expect(read('a')).toBe('abcdefghi');
  });

  it('API-07: starts anew at offset 0, with another size too', async () => {
    await copy('a', '12345', { file_size: 10n });
    await copy('a', 'abc', { file_size: 6n });
    await copy('a', 'def', { file_size: 6n, offset: 3n });
    expect(read('a')).toBe('abcdef');
    expect(all()).toEqual(['a']);
  });

  it('API-07: uploads to a.x and a.y do not meet, whatever their order', async () => {
    const both = (text: string, offset: bigint) =>
      Promise.all(
        ['a.x', 'a.y', 'a.tmp', 'a'].map((name) => copy(name, `${text} ${name.padEnd(5)}`, { file_size: 16n, offset })),
      );
    await both('1', 0n);
    await copy('b', 'x', { file_size: 1n });
    await both('2', 7n);
    await Promise.all(['a.x', 'a.y', 'a.tmp', 'a'].map((name) => copy(name, '!!', { file_size: 16n, offset: 14n })));
    for (const name of ['a.x', 'a.y', 'a.tmp', 'a'])
      expect(read(name)).toBe(`1 ${name.padEnd(5)}2 ${name.padEnd(5)}!!`);
    expect(all()).toEqual(['a', 'a.tmp', 'a.x', 'a.y', 'b']);
  });

  it('API-07: a wrong chunk ends its upload and leaves nothing', async () => {
    await copy('keep', 'old');
    for (const wrong of [
      { offset: 4n, file_size: 6n },
      { offset: -1n, file_size: 6n },
      { offset: 3n, file_size: 7n },
      { offset: 2n ** 63n - 1n, file_size: 6n },
      { offset: 3n, file_size: -6n },
    ]) {
      await copy('keep', 'abc', { file_size: 6n });
      expect(all()).toHaveLength(2);
      await expectStatus(copy('keep', 'def', wrong), 'invalid_argument');
      expect(all()).toEqual(['keep']);
      await expectStatus(copy('keep', 'def', { file_size: 6n, offset: 3n }), 'internal', 'offset 0');
      expect(read('keep')).toBe('old');
    }
  });

  it('API-07: a full share is an error that leaves nothing', async () => {
    execFileSync('nsenter', [
      `--mount=/proc/${fixture.agent.pid}/ns/mnt`,
      'sh',
      '-c',
      `mkdir ${SHARE}/small && mount -t tmpfs -o size=64k tmpfs ${SHARE}/small`,
    ]);
    try {
      await copy('small/a', 'old');
      await expectStatus(copy('small/a', Buffer.alloc(100_000)), 'internal', 'ENOSPC');
      await copy('small/a', Buffer.alloc(30_000), { file_size: 100_000n });
      await expectStatus(
        copy('small/a', Buffer.alloc(70_000), { file_size: 100_000n, offset: 30_000n }),
        'internal',
        'ENOSPC',
      );
      expect(all()).toEqual(['small', 'small/a']);
      expect(read('small/a')).toBe('old');
    } finally {
      execFileSync('nsenter', [`--mount=/proc/${fixture.agent.pid}/ns/mnt`, 'umount', `${SHARE}/small`]);
    }
  });

  it('makes directories, changes their mode and owner, and keeps what they hold', async () => {
    await copy('d', '', { file_mode: 0o043770, uid: 7, gid: 8 });
    expect(mode('d')).toBe(0o3770);
    expect(lstatSync(at('d'))).toMatchObject({ uid: 7, gid: 8 });
    await copy('d/x', 'x', { uid: -1, gid: -1 });
    await copy('d', '', { file_mode: DIRECTORY });
    expect(mode('d')).toBe(0o755);
    expect(read('d/x')).toBe('x');
  });

  it('makes symbolic links, dangling and absolute ones, of any bytes, and replaces them', async () => {
    await copy('..data', '..2026_01', { file_mode: LINK, uid: 5, gid: 6 });
    expect(readlinkSync(at('..data'))).toBe('..2026_01');
    expect(lstatSync(at('..data'))).toMatchObject({ uid: 5, gid: 6 });
    await copy('..data', '/etc/passwd', { file_mode: LINK });
    expect(readlinkSync(at('..data'))).toBe('/etc/passwd');
    await copy('..data', Buffer.of(0xff, 0x2f, 0xfe), { file_mode: LINK });
    expect(readlinkSync(at('..data'), 'buffer')).toEqual(Buffer.of(0xff, 0x2f, 0xfe));
    expect(all()).toEqual(['..data']);
  });

  describe('API-05: puts the new thing in the place of the old one, and follows nothing:', () => {
    const olds: readonly (readonly [string, () => void])[] = [
      ['a file', () => writeFileSync(at('x'), 'old')],
      ['a directory with contents', () => mkdirSync(at('x/y/z'), { recursive: true })],
      ['a link to a file outside', () => symlinkSync('/run/outside/secret', at('x'))],
      ['a link to a directory outside', () => symlinkSync('/run/outside', at('x'))],
      ['a FIFO', () => void execFileSync('mkfifo', [at('x')])],
      ['a device', () => void execFileSync('mknod', [at('x'), 'c', '1', '3'])],
    ];
    it.each(olds)('%s', async (what, make) => {
      make();
      await copy('x', 'new');
      expect(lstatSync(at('x')).isFile()).toBe(true);
      expect(read('x')).toBe('new');
      rmSync(at('x'));
      make();
      await copy('x', 'target', { file_mode: LINK });
      expect(readlinkSync(at('x'))).toBe('target');
      rmSync(at('x'));
      make();
      await copy('x', '', { file_mode: DIRECTORY });
      expect(lstatSync(at('x')).isDirectory()).toBe(true);
      expect(existsSync(at('x/y/z'))).toBe(what === 'a directory with contents');
    });
  });

  describe('API-05: writes nothing outside', () => {
    it('through a link that a container planted as a parent: it is taken within the share', async () => {
      await copy('evil', '/run/outside', { file_mode: LINK });
      // The share has no /run/outside.
      await expectStatus(copy('evil/secret', 'gone'), 'internal', 'ENOENT');
      await expectStatus(copy('evil/sub/secret', 'gone'), 'internal');
      await copy('up', '../../../../../../run/outside', { file_mode: LINK });
      await expectStatus(copy('up/secret', 'gone'), 'internal', 'ENOENT');
      expect(all()).toEqual(['evil', 'up']);
      await copy('inside/f', '1');
      await copy('abs', '/inside', { file_mode: LINK });
      await copy('abs/g', '2');
      expect(read('inside/g')).toBe('2');
    });

    it('through a magic link', async () => {
      for (const target of ['/proc/self/root', '/proc/self/cwd', '/proc/1/root']) {
        await copy('magic', target, { file_mode: LINK });
        await expectStatus(copy('magic/run/outside/secret', 'gone'), 'internal');
      }
    });

    it('when a parent becomes a link between two chunks', async () => {
      await copy('d/f', 'abc', { file_size: 6n });
      execFileSync('mv', [at('d'), at('moved')]);
      symlinkSync('/run/outside', at('d'));
      await expectStatus(copy('d/f', 'def', { file_size: 6n, offset: 3n }), 'internal');
    });

    it('when what was received becomes a link, a FIFO, another file or a second name of one between two chunks', async () => {
      const swaps: ((path: string) => void)[] = [
        (path) => symlinkSync('/run/outside/secret', path),
        (path) => void execFileSync('mkfifo', [path]),
        (path) => writeFileSync(path, 'other'),
        (path) => void execFileSync('ln', [at('victim'), path]),
        () => undefined,
      ];
      for (const swap of swaps) {
        writeFileSync(at('victim'), 'victim');
        mkdirSync(at('d'), { recursive: true });
        await copy('d/f', 'abc', { file_size: 6n });
        const [staged = ''] = readdirSync(at('d'));
        rmSync(at(`d/${staged}`));
        swap(at(`d/${staged}`));
        await expectStatus(copy('d/f', 'def', { file_size: 6n, offset: 3n }), 'internal');
        expect(read('victim')).toBe('victim');
        expect(existsSync(at('d/f'))).toBe(false);
        rmSync(at('d'), { recursive: true });
      }
    });

    it('when a second name of it was made: nobody writes to a file that is being received', async () => {
      await copy('d/f', 'abc', { file_size: 6n });
      const [staged = ''] = readdirSync(at('d'));
      execFileSync('ln', [at(`d/${staged}`), at('d/second')]);
      await expectStatus(
        copy('d/f', 'def', { file_size: 6n, offset: 3n, file_mode: 0o104755 }),
        'internal',
        'exchanged',
      );
      expect(mode('d/second')).toBe(0o600);
    });

    it.each([
      ['the share itself', SHARE],
      ['base plus suffix', `${SHARE}X/a`],
      ['another folder', '/run/outside/a'],
      ['..', `${SHARE}/../../../outside/a`],
      ['a relative path', 'outside'],
      ['nothing', ''],
    ])('at %s', async (_what, path) => {
      const request = { path, file_size: 1n, data: Buffer.from('x') };
      for (const file_mode of [FILE, DIRECTORY, LINK])
        await expectStatus(fixture.client.call('CopyFile', { ...request, file_mode }), 'invalid_argument', 'path');
    });
  });

  it.each([0o000644, 0o010644, 0o020644, 0o060755, 0o140755, 0o160777, 0o170777])(
    'API-06: refuses a type that is none of its three: mode %o',
    async (file_mode) => {
      await expectStatus(copy('x', 'x', { file_mode }), 'invalid_argument', 'file_mode');
      expect(all()).toEqual([]);
    },
  );

  it('says what is in the way', async () => {
    await copy('file', 'x');
    await expectStatus(copy('file/below', 'x'), 'internal', 'ENOTDIR');
    symlinkSync('nowhere', at('dangling'));
    await expectStatus(copy('dangling/below', 'x'), 'internal', 'ENOENT');
    await expectStatus(copy('later', 'x', { offset: 5n, file_size: 6n }), 'internal', 'offset 0');
    expect(all()).toEqual(['dangling', 'file']);
  });

  it('API-14: what is copied is not in the log', async () => {
    await copy('secret', 'marker-of-a-secret');
    await expectStatus(copy('secret/x', 'marker-of-a-secret'), 'internal');
    chmodSync(at('secret'), 0);
    expect(fixture.agent.log).not.toContain('marker-of-a-secret');
  });

  it('bears many uploads at once', async () => {
    const names = Array.from({ length: 100 }, (_, index) => `many/${index}`);
    await Promise.all(names.map((name) => copy(name, 'ab', { file_size: 4n })));
    await Promise.all(names.map((name) => copy(name, 'cd', { file_size: 4n, offset: 2n })));
    for (const name of names) expect(read(name)).toBe('abcd');
    await eventually(() => expect(readdirSync(at('many'))).toHaveLength(100));
  });
});
