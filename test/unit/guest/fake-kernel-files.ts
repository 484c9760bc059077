import type { DeviceNode, KernelFiles } from '../../../agent/src/guest/files/kernel-files.ts';

/** A tree of text files in memory; directories exist by having entries. `nodes` are block devices by path. */
export class FakeKernelFiles implements KernelFiles {
  readonly files = new Map<string, string>();
  readonly nodes = new Map<string, { major: number; minor: number }>();
  /** Character devices and what is no device. */
  readonly otherNodes = new Map<string, DeviceNode>();
  /** Symbolic links, by the last part of what they say. */
  readonly links = new Map<string, string>();
  readonly writes: string[] = [];
  onWrite: (path: string, text: string) => void = (path, text) => void this.files.set(path, text);

  constructor(files: Record<string, string> = {}) {
    for (const [path, text] of Object.entries(files)) this.files.set(path, text);
  }

  /** Adds a block device: its sysfs directory and its node. */
  addDisk(sysfsDirectory: string, name: string, major: number, minor: number): void {
    this.files.set(`${sysfsDirectory}/${name}/dev`, `${major}:${minor}\n`);
    this.nodes.set(`/dev/${name}`, { major, minor });
  }

  tryRead(path: string): string | undefined {
    return this.files.get(path);
  }

  tryList(path: string): string[] | undefined {
    const names = new Set<string>();
    for (const file of this.files.keys()) {
      if (file.startsWith(`${path}/`)) names.add(file.slice(path.length + 1).split('/')[0] ?? '');
    }
    return names.size === 0 ? undefined : [...names];
  }

  exists(path: string): boolean {
    return this.files.has(path) || this.nodes.has(path) || this.tryList(path) !== undefined;
  }

  write(path: string, text: string): void {
    this.writes.push(`${path}=${text}`);
    this.onWrite(path, text);
  }

  tryBlockDevice(path: string): { major: number; minor: number } | undefined {
    return this.nodes.get(path);
  }

  tryNode(path: string): DeviceNode | undefined {
    const numbers = this.nodes.get(path);
    if (numbers !== undefined) return { type: 'b', mode: 0o660, uid: 0, gid: 0, ...numbers };
    return this.otherNodes.get(path);
  }

  tryLinkName(path: string): string | undefined {
    return this.links.get(path);
  }
}
