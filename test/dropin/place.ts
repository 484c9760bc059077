import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createBusyboxRoot } from '../../rootfs-builder/src/busybox/create-busybox-root.ts';
import { run } from './program.ts';

/** Where the programs of one run keep everything: a directory, and cgroups of one name. */
export interface Place extends AsyncDisposable {
  readonly folder: string;
  /** Our runtime under the name that makes it one. */
  readonly runtime: string;
  /** A tar file of a busybox root. */
  readonly layer: string;
  /** The same as an image, in the format of `docker save`: `docker.io/library/busybox:latest`. */
  readonly archive: string;
  /** A cgroup at the root of every hierarchy, e.g. `kihon-dropin-123`; also a containerd namespace. */
  readonly group: string;
}

export const imageName = 'docker.io/library/busybox:latest';

async function mustRun(...argv: string[]): Promise<void> {
  const { code, stderr } = await run(argv);
  if (code !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
}

/** `docker save`'s format: a manifest, a configuration and one layer. */
async function makeArchive(folder: string, layer: string, archive: string): Promise<void> {
  const layerId = createHash('sha256').update(readFileSync(layer)).digest('hex');
  const config = JSON.stringify({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: { Env: ['PATH=/bin:/sbin:/usr/bin:/usr/sbin'], Cmd: ['/bin/sh'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${layerId}`] },
  });
  const parts = join(folder, 'image');
  mkdirSync(parts);
  symlinkSync(layer, join(parts, 'layer.tar'));
  writeFileSync(join(parts, 'config.json'), config);
  const manifest = [{ Config: 'config.json', RepoTags: [imageName], Layers: ['layer.tar'] }];
  writeFileSync(join(parts, 'manifest.json'), JSON.stringify(manifest));
  await mustRun('tar', '-C', parts, '-chf', archive, 'config.json', 'layer.tar', 'manifest.json');
}

/** Ends what a failed check left running: whoever was called with a path below the folder (conmon, shims), and containers. */
async function stopAll(folder: string, group: string): Promise<void> {
  const isOurs = (pid: string): boolean => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${folder}/`);
    } catch {
      return false;
    }
  };
  const pids = readdirSync('/proc').filter(
    (name) => /^\d+$/.test(name) && Number(name) !== process.pid && isOurs(name),
  );
  for (const pid of pids) await run(['kill', '-KILL', pid]);
  for (const root of ['/sys/fs/cgroup', '/sys/fs/cgroup/unified']) {
    const file = join(root, group, 'cgroup.kill');
    if (existsSync(file)) writeFileSync(file, '1');
  }
}

/** What crashed programs left mounted below the folder, the last mount first. */
async function unmountAll(folder: string): Promise<void> {
  const places = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(`${folder}/`));
  for (const path of places.reverse()) await run(['umount', '-l', path]);
}

/** The group in every hierarchy that has it; each has only groups without processes by now. */
async function removeGroups(group: string): Promise<void> {
  const roots = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '');
  for (const path of roots.map((root) => join(root, group)).filter((path) => existsSync(path))) {
    const { stdout } = await run(['find', path, '-mindepth', '1', '-depth', '-type', 'd']);
    for (const directory of [...stdout.split('\n').filter((line) => line !== ''), path]) {
      try {
        rmdirSync(directory);
      } catch (error) {
        console.log(`left     ${directory}: ${String(error)}`);
      }
    }
  }
}

/** Makes the place with an image in it. */
export async function makePlace(agent: string): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'kihon-dropin-'));
  chmodSync(folder, 0o755);
  const group = `kihon-dropin-${process.pid}`;
  const place: Place = {
    folder,
    group,
    runtime: join(folder, 'kihon-oci'),
    layer: join(folder, 'busybox-layer.tar'),
    archive: join(folder, 'busybox.tar'),
    async [Symbol.asyncDispose]() {
      await stopAll(folder, group);
      await unmountAll(folder);
      await removeGroups(group);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  symlinkSync(resolve(agent), place.runtime);
  await createBusyboxRoot(join(folder, 'root'));
  await mustRun('tar', '-C', join(folder, 'root'), '--owner=0', '--group=0', '-cf', place.layer, '.');
  await makeArchive(folder, place.layer, place.archive);
  return place;
}
