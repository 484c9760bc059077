import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const script = join(repository, 'rootfs-builder/setup/install.sh');

/** Stand-ins for Debian's tools, steered by variables; each call is written to $CALLS. Nothing here touches the network. */
const stubs: Readonly<Record<string, string>> = {
  'apt-get': `
case "$*" in
  *indextargets*) echo "$MIRROR" ;;
  *update*) [ "$UPDATE" = ok ] || { echo "$UPDATE"; exit 100; } ;;
  *download*) [ "$DOWNLOAD" = ok ] || { echo "E: $DOWNLOAD"; exit 100; }; eval last=\\\${$#}; echo "$last" >package.deb ;;
  *install*) echo "E: Unable to locate package nonesuch"; exit 100 ;;
esac`,
  'apt-cache': `
case "$*" in
  *madison*) for version in $OFFERED; do echo " qjs-src | $version | mirror suite"; done ;;
  *policy*) echo "  Candidate: 1.0" ;;
esac`,
  dpkg: 'echo amd64',
  'dpkg-deb': `
case $1 in
  -f) sed 's/.*=//' "$2" ;;
  -x) mkdir -p "$3/usr"; [ "$UNPACK" = ok ] || { echo "dpkg-deb: error: $UNPACK"; exit 2; }; cp "$2" "$3/usr/file" ;;
esac`,
  'dpkg-query': 'exit 1',
  id: 'echo "$USER_ID"',
};

describe('setup/install.sh', () => {
  let folder = '';
  const cache = (): string => join(folder, 'cache');

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kihon-test-'));
    await mkdir(join(folder, 'bin'));
    for (const [name, body] of Object.entries(stubs)) {
      const path = join(folder, 'bin', name);
      await writeFile(path, `#!/bin/bash\necho "${name} $*" >>"$CALLS"\n${body}\n`);
      await chmod(path, 0o755);
    }
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function install(args: readonly string[], settings: Readonly<Record<string, string>> = {}) {
    const env = {
      PATH: `${folder}/bin:${process.env.PATH}`,
      KIHON_CACHE: cache(),
      CALLS: join(folder, 'calls'),
      ...{ MIRROR: 'http://mirror.test/debian/', UPDATE: 'ok', DOWNLOAD: 'ok', UNPACK: 'ok', USER_ID: '0' },
      ...{ OFFERED: '0.18.0-1 0.17.0-1' },
      ...settings,
    };
    await writeFile(env.CALLS, '');
    const result = await run('bash', [script, ...args], { env }).then(
      ({ stdout, stderr }) => ({ status: 0, stdout, stderr }),
      (error: unknown) => {
        const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
        return { status: code, stdout, stderr };
      },
    );
    return { ...result, calls: await readFile(env.CALLS, 'utf8') };
  }

  /** What the cache holds of a package, without the lists of the private apt root. */
  const unpacked = async (): Promise<string[]> => (await readdir(join(cache(), 'debs/qjs-src')).catch(() => [])).sort();

  it('takes the tested version where a newer one is offered too, and makes it `current`', async () => {
    const { status, stderr } = await install(['engine']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(await readlink(join(cache(), 'debs/qjs-src/current'))).toBe('0.17.0-1');
    expect(await readFile(join(cache(), 'debs/qjs-src/current/usr/file'), 'utf8')).toBe('qjs-src=0.17.0-1\n');
    expect(await unpacked()).toEqual(['0.17.0-1', '0.17.0-1.sha256', 'current']);
  });

  it('asks apt nothing when the package is there', async () => {
    await install(['engine']);
    expect(await install(['engine'])).toEqual({
      status: 0,
      stdout: 'setup: qjs-src: 0.17.0-1 is there\n',
      stderr: '',
      calls: '',
    });
  });

  it('warns, then and later, when only another version is offered', async () => {
    for (const _ of [1, 2]) {
      const { status, stderr } = await install(['engine'], { OFFERED: '0.19.0-2' });
      expect(status).toBe(0);
      expect(stderr).toBe(
        'setup: warning: qjs-src: version 0.19.0-2 is not the tested version 0.17.0-1; the self-test will tell\n',
      );
    }
  });

  it('derives the source from the machine and keeps the lists to itself', async () => {
    await install(['engine']);
    const source = await readFile(join(cache(), 'apt-forky/etc/sources.list'), 'utf8');
    expect(source).toMatch(
      /^deb \[signed-by=\S+ arch=amd64 target=Packages\] http:\/\/mirror\.test\/debian\/ forky main\n$/,
    );
    const configuration = await readFile(join(cache(), 'apt-forky/etc/apt.conf'), 'utf8');
    for (const key of ['Dir::State', 'Dir::State::status', 'Dir::Cache', 'Dir::Etc::sourcelist']) {
      expect(configuration).toContain(`${key} "${cache()}/apt-forky/`);
    }
  });

  it.each([
    [
      'no Debian mirror',
      ['engine'],
      { MIRROR: '' },
      "qjs-src: this machine's apt configuration names no Debian mirror",
    ],
    [
      'a mirror that is down',
      ['engine'],
      { UPDATE: 'E: Could not connect' },
      "forky sid unstable offers it at the machine's mirror: E: Could not connect",
    ],
    ['a package nobody has', ['engine'], { OFFERED: '' }, "offers it at the machine's mirror"],
    [
      'a failing download',
      ['engine'],
      { DOWNLOAD: 'Hash Sum mismatch' },
      'qjs-src: download: E: Hash Sum mismatch (details: ',
    ],
    [
      'a damaged package',
      ['engine'],
      { UNPACK: 'unexpected end' },
      'unpacking qjs-src 0.17.0-1: dpkg-deb: error: unexpected end',
    ],
    [
      'a package that cannot be installed',
      ['bench'],
      {},
      'apt-get install runc crun: E: Unable to locate package nonesuch',
    ],
    [
      'an ordinary user',
      ['bench'],
      { USER_ID: '1000' },
      'bench: not root; run: apt-get install --no-install-recommends runc crun',
    ],
    ['an unknown target', ['nonsense'], {}, "unknown argument 'nonsense' (see --help)"],
  ])('ends with one line on %s and leaves nothing half-done', async (_, args, settings, message) => {
    const { status, stderr } = await install(args, settings);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^setup: failed: .*\n$/);
    expect(stderr).toContain(message);
    expect((await unpacked()).filter((name) => name !== 'current')).toEqual([]);
    const left = await readdir(cache()).catch(() => []);
    expect(left.filter((name) => /^setup\.[^.]{6}$/.test(name))).toEqual([]);
  });

  it('explains its targets', async () => {
    const { status, stdout } = await install(['--help']);
    expect(status).toBe(0);
    for (const target of ['packages', 'engine', 'vm', 'rootfs', 'guest-kernel', 'kernel', 'bench', 'aarch64'])
      expect(stdout).toMatch(new RegExp(`^  ${target} `, 'm'));
  });
});
