/** Reading what scripts inside a container print. Pure. */

/** One mount of a `/proc/<pid>/mountinfo`. */
export interface MountFact {
  readonly root: string;
  readonly mountPoint: string;
  /** Of the mount, e.g. `ro`. */
  readonly options: readonly string[];
  /** `shared:1`, `master:2`, `unbindable`. */
  readonly propagation: readonly string[];
  readonly type: string;
  readonly source: string;
  /** Of the file system. */
  readonly superOptions: readonly string[];
}

/** All mounts, in order. */
export function parseMounts(mountinfo: string): MountFact[] {
  return mountinfo
    .split('\n')
    .filter((line) => line.includes(' - '))
    .map((line) => {
      const [front = '', back = ''] = line.split(' - ');
      const [, , , root = '', mountPoint = '', options = '', ...propagation] = front.split(' ');
      const [type = '', source = '', superOptions = ''] = back.split(' ');
      return {
        root,
        mountPoint,
        options: options.split(','),
        propagation,
        type,
        source,
        superOptions: superOptions.split(','),
      };
    });
}

/** The topmost mount at a path. */
export function mountAt(mountinfo: string, path: string): MountFact {
  const found = parseMounts(mountinfo).findLast((mount) => mount.mountPoint === path);
  if (found === undefined) throw new Error(`nothing is mounted at ${path}:\n${mountinfo}`);
  return found;
}

/** A field of `/proc/<pid>/status`, e.g. `CapEff`. */
export function statusField(status: string, name: string): string {
  const line = status.split('\n').find((text) => text.startsWith(`${name}:`));
  if (line === undefined) throw new Error(`no ${name} in\n${status}`);
  return line.slice(name.length + 1).trim();
}

/** A capability mask as the numbers of the capabilities in it. */
export function capabilityNumbers(mask: string): number[] {
  const bits = BigInt(`0x${mask}`);
  return Array.from({ length: 64 }, (_, bit) => bit).filter((bit) => ((bits >> BigInt(bit)) & 1n) === 1n);
}
