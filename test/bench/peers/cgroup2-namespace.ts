import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

/** Replaces whatever cgroup layout the machine has, says so, and stays until its input ends. */
const HOLD =
  'umount -l /sys/fs/cgroup 2>/dev/null; mount -t cgroup2 none /sys/fs/cgroup && echo ready && cat >/dev/null';

/**
 * A mount namespace in which `/sys/fs/cgroup` is the cgroup v2 tree, as on a machine that has no other: crun refuses a hybrid
 * layout, and all contestants get the same.
 */
export class Cgroup2Namespace implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child;
  }

  /** @throws Error when the kernel has no cgroup v2 */
  static async create(): Promise<Cgroup2Namespace> {
    const arguments_ = ['--mount', '--propagation', 'private', 'sh', '-c', HOLD];
    const child = spawn('unshare', arguments_, { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(child, 'close').then(() => {
      throw new Error('a mount namespace with cgroup v2 could not be made');
    });
    ended.catch(() => undefined);
    await Promise.race([once(child.stdout, 'data'), ended]);
    return new Cgroup2Namespace(child);
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('the holder of the namespace was not started');
    return pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'close');
    this.#child.stdin.end();
    await ended;
  }
}
