/** `kihon check --kata` on configurations such as hosts have them. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeFormat } from '../../rootfs-builder/src/format/write-format.ts';
import { FileTree } from '../../rootfs-builder/src/tree/file-tree.ts';
import { bundleKihon, outcomeOf, type Outcome } from '../support/images/kihon-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'kihon-check-kata-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const prefix = join(folder, 'prefix');
const share = join(prefix, 'share/kata-containers');
/** As it is installed: it starts in a tenth of the time that its source takes. */
let kihon = '';

const AGENT = `[agent.kata]
enable_debug = true
enable_tracing = false
kernel_modules = []
dial_timeout = 45

[factory]
enable_template = false

[runtime]
enable_debug = true
internetworking_model = "tcfilter"
disable_guest_seccomp = true
sandbox_cgroup_only = false
vfio_mode = "guest-kernel"
experimental = []
`;
const QEMU = `# A host with QEMU.
[hypervisor.qemu]
path = "/opt/kata/bin/qemu-system-x86_64"
kernel = "/opt/kata/share/kata-containers/vmlinux.container"
image = "/opt/kata/share/kata-containers/kata-containers.img"
machine_type = "q35"
rootfs_type = "ext4"
enable_annotations = ["enable_iommu", "kernel_params", "kernel_verity_params"]
valid_hypervisor_paths = ["/opt/kata/bin/qemu-system-x86_64"]
kernel_params = "agent.hotplug_timeout=10"
kernel_verity_params = ""
default_vcpus = 1
default_maxvcpus = 0
default_memory = 2048
shared_fs = "virtio-fs"
virtio_fs_daemon = "/opt/kata/libexec/virtiofsd"
virtio_fs_extra_args = ["--thread-pool-size=1", "--announce-submounts"]
block_device_driver = "virtio-scsi"
disable_image_nvdimm = false
guest_hook_path = ""
nobody_knows_this = { a = [1, "b", { c = 2.5 }], d = 2026-01-01 }

${AGENT}`;
const CLOUD_HYPERVISOR = `[hypervisor.clh]
path = "/opt/kata/bin/cloud-hypervisor"
kernel = "/opt/kata/share/kata-containers/vmlinux.container"
initrd = "/opt/kata/share/kata-containers/kata-containers-initrd.img"
default_memory = 512
block_device_driver = "virtio-blk"
disable_image_nvdimm = true

${AGENT}`;
const FIRECRACKER = `[hypervisor.firecracker]
path = "/opt/kata/bin/firecracker"
jailer_path = "/opt/kata/bin/jailer"
kernel = "/opt/kata/share/kata-containers/vmlinux.container"
image = "/opt/kata/share/kata-containers/kata-containers.img"
rootfs_type = "ext4"
default_memory = 2048
block_device_driver = "virtio-mmio"
static_sandbox_resource_mgmt = true

${AGENT}`;

interface Report {
  readonly works: boolean;
  readonly dropIns: readonly string[];
  readonly remarks: readonly {
    readonly kind: string;
    readonly key: string;
    readonly then: string;
    readonly reason?: string;
  }[];
}

function configuration(name: string, text: string, dropIns: Readonly<Record<string, string>> = {}): string {
  const file = join(folder, name, 'configuration.toml');
  for (const [path, content] of [
    [file, text],
    ...Object.entries(dropIns).map(([key, value]) => [join(folder, name, 'config.d', key), value]),
  ]) {
    mkdirSync(dirname(path ?? ''), { recursive: true });
    writeFileSync(path ?? '', content ?? '');
  }
  return file;
}

function check(...args: readonly string[]): Promise<Outcome> {
  return outcomeOf([kihon, 'check', '--prefix', prefix, '--kata', ...args], { cwd: folder });
}

async function report(file: string): Promise<Report> {
  return JSON.parse((await check(file, '--json')).stdout) as Report;
}

const keys = ({ remarks }: Report, kind: string): string[] =>
  remarks.filter((remark) => remark.kind === kind).map(({ key }) => key.replace('hypervisor.', ''));

beforeAll(async () => {
  kihon = await bundleKihon(folder);
  mkdirSync(share, { recursive: true });
  for (const name of ['vmlinux-kihon.container', 'kata-containers-initrd-kihon.img'])
    writeFileSync(join(share, name), 'x');
  const tree = new FileTree().file('sbin/init', 'x', { mode: 0o755 });
  const output = join(share, 'kata-containers-kihon.img');
  const verity = { verity: { variant: 'kihon' } };
  await writeFormat('disk', { tree, output, sourceDateEpoch: 1, architecture: 'x86_64', rootType: 'erofs', ...verity });
});

describe('kihon check --kata', () => {
  it.each([
    ['QEMU', QEMU, ['qemu.kernel', 'qemu.initrd', 'qemu.image']],
    ['Cloud Hypervisor', CLOUD_HYPERVISOR, ['clh.kernel', 'clh.initrd']],
    [
      'Firecracker',
      FIRECRACKER,
      ['firecracker.kernel', 'firecracker.image', 'firecracker.rootfs_type', 'firecracker.kernel_verity_params'],
    ],
  ])('says what changes on a host with %s, and passes over what it does not know', async (name, text, changes) => {
    const found = await report(configuration(name.replaceAll(' ', '-'), text));
    expect([found.works, keys(found, 'problem'), keys(found, 'note')]).toEqual([true, [], []]);
    expect(keys(found, 'change')).toEqual(changes);
  });

  it('counts drop-ins in the order of their names, and the last one wins', async () => {
    const dropIns = {
      '20-more.toml': '[hypervisor.qemu]\ndefault_memory = 128\n',
      '10-hash.toml': '[hypervisor.qemu]\nkernel_hash = "ab"\ndefault_memory = 4096\n',
      'notes.txt': 'not for Kata',
    };
    const found = await report(configuration('drop-ins', QEMU, dropIns));
    expect(found.dropIns.map((path) => path.replace(/.*\//, ''))).toEqual(['10-hash.toml', '20-more.toml']);
    expect(found.works).toBe(false);
    expect(keys(found, 'problem').sort()).toEqual(['qemu.default_memory', 'qemu.kernel_hash']);
  });

  it('follows the link that a distribution makes, and looks for drop-ins where it leads', async () => {
    const file = configuration('linked', QEMU, { '10.toml': '[hypervisor.qemu]\nimage_hash = "ab"\n' });
    const link = join(folder, 'link.toml');
    symlinkSync(file, link);
    expect(keys(await report(link), 'problem')).toEqual(['qemu.image_hash']);
  });

  it('names modules, a debug console and an init that our guest does not have', async () => {
    const text = QEMU.replace(
      'kernel_modules = []',
      'kernel_modules = ["e1000e EEE=1"]\ndebug_console_enabled = true',
    ).replace('agent.hotplug_timeout=10', 'quiet rdinit=/sbin/other');
    const found = await report(configuration('agent', text));
    expect(keys(found, 'problem').sort()).toEqual(['agent.kata.kernel_modules', 'qemu.kernel_params']);
    expect(keys(found, 'note')).toEqual(['agent.kata.debug_console_enabled']);
  });

  it('says where a file is not TOML, whichever it is, in one line', async () => {
    const main = configuration('broken', '[hypervisor.qemu]\nkernel = \n');
    expect(await check(main)).toMatchObject({ status: 1, stdout: '' });
    expect((await check(main)).stderr).toMatch(/^kihon: .*\/broken\/configuration\.toml:2:\d+: [^\n]*\n$/);
    const beside = configuration('broken-beside', QEMU, { '10.toml': '[hypervisor.qemu\n' });
    expect((await check(beside)).stderr).toMatch(/config\.d\/10\.toml:1:\d+: /);
    const missing = await check(join(folder, 'nowhere.toml'));
    expect([missing.status, missing.stderr]).toEqual([
      1,
      expect.stringMatching(/^kihon: cannot read .*nowhere\.toml: ENOENT/),
    ]);
  });

  it('says which of our own files is not there or not an image', async () => {
    const file = configuration('missing', FIRECRACKER);
    const elsewhere = join(folder, 'elsewhere/share/kata-containers');
    mkdirSync(elsewhere, { recursive: true });
    writeFileSync(join(elsewhere, 'kata-containers-kihon.img'), 'not an image');
    const { status, stdout } = await check(file, '--prefix', join(folder, 'elsewhere'));
    expect(status).toBe(1);
    expect(stdout).toContain('is no image of a root file system');
    const none = await check(configuration('none', QEMU), '--prefix', join(folder, 'empty'));
    expect(none.stdout).toContain('the file is not there (make install)');
  });
});
