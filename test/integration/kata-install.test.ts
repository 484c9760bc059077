import { execFile } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'smol-toml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { writeFormat } from '../../rootfs-builder/src/format/write-format.ts';
import { FileTree } from '../../rootfs-builder/src/tree/file-tree.ts';
import { outcomeOf, type Outcome } from '../support/images/kihon-command.ts';
import { validateKubernetes, type KubernetesObject } from '../support/kubernetes/schema.ts';
import { nodeArguments, repository } from '../support/repository.ts';

const folder = mkdtempSync(join(tmpdir(), 'kihon-install-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const staging = join(folder, 'staging');
const SHARE = 'share/kata-containers';
const DEFAULTS = 'share/defaults/kata-containers';

const execute = promisify(execFile);

async function install(...args: readonly string[]): Promise<void> {
  await execute(process.execPath, nodeArguments('host/build/install.ts', ...args));
}

/** Every file and link below a folder, with what it says. */
function listing(root: string, below = ''): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
    const path = join(below, entry.name);
    if (entry.isDirectory()) Object.assign(found, listing(root, path));
    else found[path] = `${statSync(join(root, path)).size}`;
  }
  return found;
}

describe('make install', () => {
  beforeAll(() => install('/opt/kata', staging));

  const place = (path: string): string => join(staging, 'opt/kata', path);

  it('lays kernel and initrd out under names with versions and stable links', () => {
    for (const link of ['vmlinux-kihon.container', 'kata-containers-initrd-kihon.img']) {
      const target = realpathSync(place(`${SHARE}/${link}`));
      expect(target).toMatch(/vmlinux-\d+\.\d+.*-kihon$|kata-kihon-\d+\.\d+\.\d+\.initrd$/);
      expect(statSync(target).size).toBeGreaterThan(100_000);
    }
    expect(existsSync(place(`${SHARE}/kata-containers.img`))).toBe(false);
    expect(Object.keys(listing(staging)).filter((path) => path.includes('partial'))).toEqual([]);
  });

  it('writes a drop-in for each hypervisor that names what is there', () => {
    for (const runtime of ['kata-kihon-qemu', 'kata-kihon-clh']) {
      const text = readFileSync(place(`${DEFAULTS}/runtimes/${runtime}/config.d/50-kihon.toml`), 'utf8');
      const [keys] = Object.values(parse(text)['hypervisor'] as Record<string, Record<string, string>>);
      for (const key of ['kernel', 'initrd']) expect(existsSync(join(staging, keys?.[key] ?? ''))).toBe(true);
      expect(keys?.['image']).toBe('');
    }
  });

  it('brings the recipes and the agent, so that the installed command builds guests', async () => {
    const kihon = async (...args: readonly string[]): Promise<string> => {
      const env = { PATH: process.env['PATH'], KIHON_CACHE: join(folder, 'cache') };
      return (await execute(place('bin/kihon'), ['build', ...args], { cwd: folder, env })).stdout;
    };
    const { recipes } = JSON.parse(await kihon('--list', '--json')) as { recipes: { name: string }[] };
    const shipped = readdirSync(join(repository, 'rootfs-builder/recipes')).map((name) => name.replace('.toml', ''));
    expect(recipes.map(({ name }) => name).sort()).toEqual(shipped.sort());
    const initrd = join(folder, 'guest.initrd');
    expect(await kihon('initrd', 'initrd', '--output', initrd)).toContain(initrd);
    expect(statSync(initrd).size).toBeGreaterThan(100_000);
    // A recipe that names a policy beside it.
    expect(await kihon('image', 'confidential', '--output', join(folder, 'guest.image'))).toContain(
      join(folder, 'root_hash_confidential.txt'),
    );
  });

  it('takes file system and root hash from the image, and brings kernels and guests of other configurations', async () => {
    const build = join(folder, 'build');
    const place = (name: string, text: string): void => {
      mkdirSync(dirname(join(build, name)), { recursive: true });
      writeFileSync(join(build, name), text);
    };
    for (const name of ['kihon', 'x86_64/kihon-oci', 'x86_64/kihon-agent', 'x86_64/kihon-initrd.img'])
      place(name, name);
    for (const suffix of ['', '-kata', '-debug', '-confidential'])
      place(`x86_64/vmlinux${suffix}`, `\0Linux version 6.12.${suffix.length}-kihon (x)\0`);
    place('x86_64/vmlinuz-debug', 'bzImage');
    const tree = new FileTree().file('sbin/init', 'x', { mode: 0o755 });
    const common = { tree, sourceDateEpoch: 1, architecture: 'x86_64', rootType: 'erofs' } as const;
    const image = (suffix: string): string => join(build, `x86_64/kihon-image${suffix}.img`);
    await writeFormat('disk', { ...common, output: image('') });
    await writeFormat('disk', { ...common, output: image('-confidential'), verity: { variant: 'c' } });
    const to = join(folder, 'variants');
    await install('/opt/kata', to, '--build', build, '--arch', 'x86_64');
    const at = (name: string): string => join(to, 'opt/kata', SHARE, name);
    expect(readFileSync(at('vmlinux-kihon.container'), 'latin1')).toContain('6.12.5-kihon');
    expect(readFileSync(at('vmlinux-kihon-debug.container'), 'latin1')).toContain('6.12.6-kihon');
    expect(readFileSync(at('vmlinuz-kihon-debug.container'), 'utf8')).toBe('bzImage');
    expect(existsSync(at('vmlinux-kihon-confidential.container'))).toBe(true);
    expect(readFileSync(at('kata-containers-kihon.img')).equals(readFileSync(image('')))).toBe(true);
    expect(existsSync(at('root_hash_kihon.txt'))).toBe(false);
    expect(readFileSync(at('root_hash_kihon-confidential.txt'), 'utf8')).toMatch(/^root_hash=[0-9a-f]{64},/);
    const dropIn = readFileSync(
      join(to, 'opt/kata', DEFAULTS, 'runtimes/kata-kihon-fc/config.d/50-kihon.toml'),
      'utf8',
    );
    expect(parse(dropIn)).toMatchObject({
      hypervisor: { firecracker: { rootfs_type: 'erofs', kernel_verity_params: '' } },
    });
    // A measured image without its hash is none.
    rmSync(join(build, 'x86_64/root_hash_c.txt'));
    await expect(install('/opt/kata', to, '--build', build, '--arch', 'x86_64')).rejects.toThrow(/no root_hash_/);
  });

  it('writes manifests that Kubernetes takes', () => {
    for (const name of ['runtime-classes.yaml', 'installer.yaml'])
      for (const document of parseAllDocuments(readFileSync(place(`share/kihon/kubernetes/${name}`), 'utf8')))
        validateKubernetes(document.toJS() as KubernetesObject);
  });

  it('takes the names of Kata’s own files only when asked, and never over somebody else’s', async () => {
    const own = join(folder, 'own');
    await install(own, '--default-names');
    expect(realpathSync(join(own, SHARE, 'vmlinux.container'))).toMatch(/-kihon$/);
    await install(own, '--default-names');
    const theirs = join(folder, 'theirs', SHARE);
    mkdirSync(theirs, { recursive: true });
    writeFileSync(join(theirs, 'vmlinux.container'), 'the kernel of Kata');
    await expect(install(join(folder, 'theirs'), '--default-names')).rejects.toThrow(/vmlinux\.container is not ours/);
    expect(readFileSync(join(theirs, 'vmlinux.container'), 'utf8')).toBe('the kernel of Kata');
  });
});

describe('the installer of a node', () => {
  const kata = join(folder, 'node/kata');
  const containerd = join(folder, 'node/containerd');
  const script = join(repository, 'host/kata/kubernetes/install-node.sh');
  const run = (word: string, extra: Record<string, string> = {}): Promise<Outcome> =>
    outcomeOf(['/bin/sh', script, word], {
      cwd: folder,
      env: { PAYLOAD: staging, HOST_KATA: kata, HOST_CONTAINERD: containerd, ONCE: '1', ...extra },
    });
  let before: Record<string, string>;

  beforeAll(async () => {
    if (!existsSync(staging)) await install('/opt/kata', staging);
    mkdirSync(join(kata, DEFAULTS), { recursive: true });
    mkdirSync(containerd, { recursive: true });
    writeFileSync(
      join(kata, DEFAULTS, 'configuration-qemu.toml'),
      '[hypervisor.qemu]\nkernel = "/opt/kata/k"\nimage = "/opt/kata/i"\ndefault_memory = 2048\n',
    );
    writeFileSync(join(containerd, 'config.toml'), 'version = 2\n');
    before = { ...listing(kata), ...listing(containerd) };
  });

  it('brings the guest, a configuration of its own and a runtime for containerd', async () => {
    const { status, stdout } = await run('install');
    expect(status).toBe(0);
    expect(stdout).toContain('kata-kihon-qemu is there');
    // Kata's installer has put no Cloud Hypervisor onto this node.
    expect(stdout).toContain('kata-kihon-clh: no configuration-clh.toml');
    const runtimes = parse(readFileSync(join(containerd, 'conf.d/kihon.toml'), 'utf8'));
    const configPath = /ConfigPath":"([^"]*)"/.exec(JSON.stringify(runtimes))?.[1] ?? '';
    expect(configPath).toBe(`/opt/kata/${DEFAULTS}/runtimes/kata-kihon-qemu/configuration.toml`);
    expect(JSON.stringify(runtimes)).not.toContain('kihon-clh');
  });

  it('makes a configuration that boots our guest, as kihon check --kata tells', async () => {
    const file = join(kata, DEFAULTS, 'runtimes/kata-kihon-qemu/configuration.toml');
    const check = async (
      ...args: readonly string[]
    ): Promise<{ works: boolean; remarks: { kind: string; key: string }[] }> => {
      const command = nodeArguments('host/cli/main.ts', 'check', '--json', '--kata', ...args);
      const { stdout } = await outcomeOf([process.execPath, ...command], { cwd: folder });
      return JSON.parse(stdout) as { works: boolean; remarks: { kind: string; key: string }[] };
    };
    const installed = await check(file);
    expect(installed.remarks.filter(({ kind }) => kind === 'change')).toEqual([]);
    const original = await check(
      join(kata, DEFAULTS, 'configuration-qemu.toml'),
      '--prefix',
      join(staging, 'opt/kata'),
    );
    expect(original.works).toBe(true);
    expect(original.remarks.filter(({ kind }) => kind === 'change').map(({ key }) => key)).toEqual([
      'hypervisor.qemu.kernel',
      'hypervisor.qemu.initrd',
      'hypervisor.qemu.image',
    ]);
  });

  it('can be run again, and taking it away leaves what was there before', async () => {
    expect((await run('install')).status).toBe(0);
    expect((await run('remove')).status).toBe(0);
    expect({ ...listing(kata), ...listing(containerd) }).toEqual(before);
  });

  it('says what is wrong on a node without Kata, and for an unknown word', async () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    const missing = await run('install', { HOST_KATA: empty });
    expect([missing.status, missing.stdout]).toEqual([1, 'kihon: no Kata Containers in /opt/kata on this node\n']);
    expect((await run('help')).status).toBe(2);
  });

  it('leaves no half file when a copy fails', async () => {
    const full = join(folder, 'payload');
    mkdirSync(join(full, 'opt/kata', SHARE), { recursive: true });
    writeFileSync(join(full, 'opt/kata', SHARE, 'vmlinux-kihon.container'), 'new');
    const blocked = join(kata, SHARE);
    rmSync(blocked, { recursive: true, force: true });
    writeFileSync(blocked, 'a file where a folder should be');
    chmodSync(blocked, 0o444);
    expect((await run('install', { PAYLOAD: full })).status).not.toBe(0);
    expect(existsSync(join(containerd, 'conf.d/kihon.toml'))).toBe(false);
    rmSync(blocked);
  });
});
