/**
 * Installs what was built: `tsx host/build/install.ts PREFIX [DESTDIR]`.
 *
 *   PREFIX/bin/kihon                                              the command
 *   PREFIX/bin/kihon-oci                                          the OCI runtime: the agent's ELF and its image
 *   PREFIX/libexec/kihon/vhost-device-vsock                       vsock without a kernel module, if it was set up
 *   PREFIX/share/kata-containers/vmlinux-kihon.container          the guest kernel, uncompressed ...
 *   PREFIX/share/kata-containers/vmlinuz-kihon.container          ... and as a bzImage
 *   PREFIX/share/kata-containers/kata-containers-initrd-kihon.img the initrd with the agent
 *   PREFIX/share/defaults/kata-containers/config.d/50-kihon.toml  a drop-in that makes Kata use the two
 *
 * The names follow Kata's pattern for variants, so nothing of Kata's own is overwritten.
 */
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { architectureName } from '../vm/architecture.ts';
import { defaultPlaces, findVhostDeviceVsock } from '../vm/assets.ts';
import { kataDropIn } from './kata-drop-in.ts';

const REPOSITORY = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');

interface Item {
  readonly from: string;
  /** Relative to the prefix. */
  readonly to: string;
  readonly mode: number;
}

/** The first of the files that exists. */
function firstOf(paths: readonly string[]): string | undefined {
  return paths.find((path) => existsSync(path));
}

/** What there is to install. Throws when kernel, initrd or command have not been built. */
function itemsToInstall(build: string, architecture: string): Item[] {
  const assets = join(build, architecture);
  // Kata's command line needs the larger configuration; a lean kernel serves `kihon` itself.
  const vmlinux = firstOf([join(assets, 'vmlinux-kata'), join(assets, 'vmlinux')]);
  const vmlinuz = firstOf([join(assets, 'vmlinuz-kata'), join(assets, 'vmlinuz')]);
  const command = join(build, 'kihon');
  const initrd = join(assets, 'kihon-initrd.img');
  const runtime = join(assets, 'kihon-oci');
  for (const path of [command, initrd, runtime])
    if (!existsSync(path)) throw new Error(`no ${path}: run \`make\` first`);
  if (vmlinux === undefined && vmlinuz === undefined) {
    throw new Error(`no kernel in ${assets}: run \`make kernel CONFIG=kata\` first`);
  }
  const vsock = findVhostDeviceVsock({ ...defaultPlaces(), home: build, architecture });
  const share = 'share/kata-containers';
  return [
    { from: command, to: 'bin/kihon', mode: 0o755 },
    { from: runtime, to: 'bin/kihon-oci', mode: 0o755 },
    { from: initrd, to: `${share}/kata-containers-initrd-kihon.img`, mode: 0o644 },
    ...(vmlinux === undefined ? [] : [{ from: vmlinux, to: `${share}/vmlinux-kihon.container`, mode: 0o644 }]),
    ...(vmlinuz === undefined ? [] : [{ from: vmlinuz, to: `${share}/vmlinuz-kihon.container`, mode: 0o644 }]),
    ...(vsock === undefined ? [] : [{ from: vsock, to: 'libexec/kihon/vhost-device-vsock', mode: 0o755 }]),
  ];
}

/** A copy that never exists half: a VM that starts meanwhile sees the old file or the new one. */
async function installFile(item: Item, root: string): Promise<void> {
  const target = join(root, item.to);
  await mkdir(dirname(target), { recursive: true });
  await copyFile(item.from, `${target}.partial`);
  await chmod(`${target}.partial`, item.mode);
  await rename(`${target}.partial`, target);
  process.stdout.write(`${target}\n`);
}

const [prefixText, destination = ''] = process.argv.slice(2);
if (prefixText === undefined) throw new Error('usage: install.ts PREFIX [DESTDIR]');
const prefix = resolve(prefixText);
const root = destination === '' ? prefix : join(resolve(destination), prefix);
const items = itemsToInstall(join(REPOSITORY, 'build'), architectureName());
for (const item of items) await installFile(item, root);
if (!items.some((item) => item.from.endsWith('-kata'))) {
  process.stderr.write('note: this is the lean kernel; Kata itself wants the larger one (make kernel CONFIG=kata)\n');
}
const share = join(prefix, 'share', 'kata-containers');
const kernel = items.find((item) => item.to.includes('vmlinux')) === undefined ? 'vmlinuz' : 'vmlinux';
const dropIn = join(root, 'share', 'defaults', 'kata-containers', 'config.d', '50-kihon.toml');
await mkdir(dirname(dropIn), { recursive: true });
await writeFile(
  dropIn,
  kataDropIn({
    kernel: join(share, `${kernel}-kihon.container`),
    initrd: join(share, 'kata-containers-initrd-kihon.img'),
  }),
);
process.stdout.write(`${dropIn}\n`);
