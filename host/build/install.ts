/**
 * Installs what was built: `tsx host/build/install.ts PREFIX [DESTDIR] [--build DIR] [--arch NAME] [--default-names] [--installer-image REF]`.
 *
 *   PREFIX/bin/kihon, kihon-oci                       the command, and the OCI runtime: the agent's ELF and its image
 *   PREFIX/libexec/kihon/vhost-device-vsock           vsock without a kernel module, if it was set up
 *   PREFIX/share/kata-containers/                     kernels, their configurations, initrds and images with their versions in the names, the
 *                                                     agent that `kihon build` puts into guests, and
 *     vmlinux-kihon.container, vmlinuz-kihon.container, kata-containers-initrd-kihon.img, kata-containers-kihon.img    links to them; with -debug
 *                                                     and -confidential for those variants; root_hash_kihon.txt of a measured image
 *   PREFIX/share/defaults/kata-containers/runtimes/kata-kihon-{qemu,clh,fc}/config.d/50-kihon.toml      drop-ins that make Kata use them
 *   PREFIX/share/kihon/{recipes,policies}/            the recipes that `kihon build --list` names, and policies for guests
 *   PREFIX/share/kihon/kubernetes/                    RuntimeClasses, and an installer for the nodes of a cluster
 *
 * The names follow Kata's pattern for variants, so nothing of Kata's own is overwritten. With --default-names the links without a variant
 * (vmlinux.container, kata-containers.img ...) are ours too, unless somebody else's files are there.
 */
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { chmod, copyFile, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { VERSION } from '../cli/version.ts';
import { kataDropIn } from '../kata/drop-in.ts';
import { installerManifest } from '../kata/kubernetes/installer.ts';
import { runtimeClass } from '../kata/kubernetes/runtime-class.ts';
import { yamlDocuments } from '../kata/kubernetes/yaml.ts';
import {
  ASSETS,
  guestLayout,
  runtimeFolder,
  servedHypervisors,
  type InstalledFile,
  type InstalledLink,
} from '../kata/layout.ts';
import { architectureName } from '../vm/architecture.ts';
import { defaultPlaces, findVhostDeviceVsock } from '../vm/assets.ts';
import { findBuiltGuest } from './built-guest.ts';

const REPOSITORY = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');
const KUBERNETES = 'share/kihon/kubernetes';
/** Where the installed command looks for them: rootfs-builder/src/recipe/find-recipe.ts. */
const SHIPPED = 'share/kihon';

/** The programs of the host. Throws when one has not been built. */
function programs(build: string, architecture: string): InstalledFile[] {
  const files = [
    { from: join(build, 'kihon'), to: 'bin/kihon', mode: 0o755 },
    { from: join(build, architecture, 'kihon-oci'), to: 'bin/kihon-oci', mode: 0o755 },
    // What `kihon build` puts into guests.
    { from: join(build, architecture, 'kihon-agent'), to: `${ASSETS}/kihon-agent`, mode: 0o755 },
  ];
  for (const { from } of files) if (!existsSync(from)) throw new Error(`no ${from}: run \`make\` first`);
  // The set-up brings it for this host only.
  const isForeign = architecture !== architectureName();
  const vsock = isForeign ? undefined : findVhostDeviceVsock({ ...defaultPlaces(), home: build, architecture });
  return vsock === undefined ? files : [...files, { from: vsock, to: 'libexec/kihon/vhost-device-vsock', mode: 0o755 }];
}

/** The recipes that come with the program, and the policies that they name. */
function recipes(): InstalledFile[] {
  return ['recipes', 'policies'].flatMap((kind) => {
    const folder = join(REPOSITORY, 'rootfs-builder', kind);
    return readdirSync(folder)
      .filter((name) => /\.(toml|rego)$/.test(name))
      .sort()
      .map((name) => ({ from: join(folder, name), to: `${SHIPPED}/${kind}/${name}`, mode: 0o644 }));
  });
}

/** Puts a file or link at its place in one step: a VM that starts meanwhile sees the old one or the new one. */
async function place(root: string, to: string, make: (partial: string) => Promise<void>): Promise<void> {
  const target = join(root, to);
  const partial = `${target}.partial`;
  await mkdir(dirname(target), { recursive: true });
  await rm(partial, { force: true });
  try {
    await make(partial);
    await rename(partial, target);
  } finally {
    await rm(partial, { force: true });
  }
  process.stdout.write(`${target}\n`);
}

async function installFile(root: string, { from, to, mode }: InstalledFile): Promise<void> {
  await place(root, to, async (partial) => {
    await copyFile(from, partial);
    await chmod(partial, mode);
  });
}

/** True for a link into our own files; anything else under a name of Kata's belongs to somebody. */
function isOurs(path: string): boolean {
  return lstatSync(path).isSymbolicLink() && /[-_]kihon|^kata-kihon-/.test(basename(readlinkSync(path)));
}

async function installLink(root: string, { target, to }: InstalledLink): Promise<void> {
  const path = join(root, to);
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined && !isOurs(path))
    throw new Error(`${path} is not ours and stays: install without --default-names, or with another prefix`);
  await place(root, to, (partial) => symlink(target, partial));
}

async function installText(root: string, to: string, text: string): Promise<void> {
  await place(root, to, (partial) => writeFile(partial, text, { mode: 0o644 }));
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    build: { type: 'string', default: join(REPOSITORY, 'build') },
    arch: { type: 'string', default: architectureName() },
    'default-names': { type: 'boolean', default: false },
    'installer-image': { type: 'string', default: `kihon-installer:${VERSION}` },
  },
});
const [prefixText, destination = ''] = positionals;
if (prefixText === undefined)
  throw new Error(
    'usage: install.ts PREFIX [DESTDIR] [--build DIR] [--arch NAME] [--default-names] [--installer-image REF]',
  );
const prefix = resolve(prefixText);
const root = destination === '' ? prefix : join(resolve(destination), prefix);
const { build } = values;
const architecture = values.arch;
const { guest, isLean } = findBuiltGuest(join(build, architecture));
const layout = guestLayout(guest, prefix, values['default-names']);

for (const file of [...programs(build, architecture), ...recipes(), ...layout.files]) await installFile(root, file);
for (const { text, to } of layout.texts) await installText(root, to, text);
for (const link of layout.links) await installLink(root, link);
const served = servedHypervisors(layout.assets);
for (const hypervisor of served)
  await installText(root, `${runtimeFolder(hypervisor)}/config.d/50-kihon.toml`, kataDropIn(hypervisor, layout.assets));
const classes = yamlDocuments(
  'Pods with `runtimeClassName: kata-kihon-qemu` run in the guest of kihon.',
  served.map(runtimeClass),
);
await installText(root, `${KUBERNETES}/runtime-classes.yaml`, classes);
const manifest = installerManifest({
  image: values['installer-image'],
  namespace: 'kihon-system',
  prefix,
  script: readFileSync(join(REPOSITORY, 'host/kata/kubernetes/install-node.sh'), 'utf8'),
});
await installText(
  root,
  `${KUBERNETES}/installer.yaml`,
  yamlDocuments('Puts the guest of kihon onto every node that has Kata Containers.', manifest),
);
if (isLean)
  process.stderr.write('note: this is the lean kernel; Kata itself wants the larger one (make kernel CONFIG=kata)\n');
if (layout.assets.image === undefined)
  process.stderr.write(
    'note: no image was built, so Firecracker, which boots no initrd, has no drop-in (make image)\n',
  );
