import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../eventually.ts';

/** Mount point of the machine's cgroup v2 hierarchy, wherever it is. */
function unifiedHierarchy(): string {
  for (const line of readFileSync('/proc/mounts', 'latin1').split('\n')) {
    const [, mountPoint = '', type] = line.split(' ');
    if (type === 'cgroup2') return mountPoint;
  }
  throw new Error('no cgroup v2 hierarchy is mounted on this machine');
}

/**
 * A cgroup of our own on the machine's v2 hierarchy. The agent under test sees it as the root of the hierarchy and sits in its
 * `agent` child, so everything it makes is below, and everything it starts can be ended at once.
 */
export class CgroupHome {
  readonly path: string;
  readonly agentCgroup: string;

  constructor() {
    this.path = mkdtempSync(join(unifiedHierarchy(), 'kihon-test-'));
    this.agentCgroup = join(this.path, 'agent');
    mkdirSync(this.agentCgroup);
  }

  /** SIGKILL to everything in it. */
  kill(): void {
    writeFileSync(join(this.path, 'cgroup.kill'), '1');
  }

  /** Kills what is left and removes the cgroups. */
  async remove(): Promise<void> {
    this.kill();
    await eventually(() => removeTree(this.path));
  }

  /** The same at once and as far as it goes, for the end of the test process. */
  removeNow(): void {
    try {
      this.kill();
      removeTree(this.path);
    } catch {
      // The last processes may take a moment to go; an empty cgroup is all that stays.
    }
  }
}

function removeTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(join(folder, entry.name));
  rmdirSync(folder);
}
