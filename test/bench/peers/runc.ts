import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_CAPABILITIES } from '../../support/container/container-spec.ts';
import { ALL_MOUNTS, benchRequest, NAMESPACES } from '../container-under-test.ts';
import type { NamespaceShell } from './namespace-shell.ts';

/** An OCI bundle that says the same as our request does. */
function bundleConfig(root: string, args: readonly string[]): object {
  const linux = benchRequest('runc', root).OCI?.Linux;
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args,
      env: ['PATH=/bin:/sbin:/usr/bin:/usr/sbin'],
      cwd: '/',
      capabilities: {
        bounding: DEFAULT_CAPABILITIES,
        effective: DEFAULT_CAPABILITIES,
        permitted: DEFAULT_CAPABILITIES,
      },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: root },
    hostname: 'bench',
    mounts: ALL_MOUNTS,
    linux: {
      namespaces: ['pid', ...NAMESPACES].map((type) => ({ type })),
      maskedPaths: linux?.MaskedPaths,
      readonlyPaths: linux?.ReadonlyPaths,
    },
  };
}

/**
 * runc beside the agent: in the agent's mount namespace, so with the same cgroup v2 root and the same /run. Its state goes away
 * with the namespace.
 */
export class Runc {
  readonly #shell: NamespaceShell;
  readonly #folder: string;
  #count = 0;

  constructor(shell: NamespaceShell, folder: string, root: string) {
    this.#shell = shell;
    this.#folder = folder;
    for (const [name, args] of [
      ['true', ['/bin/true']],
      ['sleep', ['/bin/sleep', '100000']],
    ] as const) {
      mkdirSync(join(folder, name), { recursive: true });
      writeFileSync(join(folder, name, 'config.json'), JSON.stringify(bundleConfig(root, args)));
    }
  }

  /** `runc run` of `true`: create, start, wait, delete. */
  async runTrue(): Promise<void> {
    this.#count += 1;
    await this.#shell.run(`runc --root /run/runc run --bundle ${join(this.#folder, 'true')} true${this.#count}`);
  }

  /** A container for `execTrue`. */
  async startSleeping(): Promise<void> {
    await this.#shell.run(`runc --root /run/runc run --detach --bundle ${join(this.#folder, 'sleep')} sleeping`);
  }

  async execTrue(): Promise<void> {
    await this.#shell.run('runc --root /run/runc exec sleeping /bin/true');
  }

  async removeSleeping(): Promise<void> {
    await this.#shell.run('runc --root /run/runc delete --force sleeping');
  }
}
