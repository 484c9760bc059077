import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_CAPABILITIES } from '../../support/container/container-spec.ts';
import { ALL_MOUNTS, benchRequest, NAMESPACES } from '../container-under-test.ts';
import type { NamespaceShell } from './namespace-shell.ts';

/** An OCI bundle that says the same as our request does. */
function bundleConfig(root: string, args: readonly string[]): object {
  const linux = benchRequest('bundle', root).OCI?.Linux;
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

/** How to call one of them. */
export interface RuntimeCommand {
  readonly name: string;
  /** With its global options, for a shell. */
  readonly command: string;
}

/** runc with a state folder that goes away with the mount namespace. */
export const RUNC: RuntimeCommand = { name: 'runc', command: 'runc --root /run/runc' };

/**
 * An OCI runtime as a command line, in the mount namespace of a shell. Bundles with the same content for all that get the same
 * folder.
 */
export class OciRuntime {
  readonly #shell: NamespaceShell;
  readonly #folder: string;
  readonly #runtime: RuntimeCommand;
  #count = 0;

  constructor(shell: NamespaceShell, folder: string, root: string, runtime: RuntimeCommand) {
    this.#shell = shell;
    this.#folder = folder;
    this.#runtime = runtime;
    for (const [name, args] of [
      ['true', ['/bin/true']],
      ['sleep', ['/bin/sleep', '100000']],
    ] as const) {
      mkdirSync(join(folder, name), { recursive: true });
      writeFileSync(join(folder, name, 'config.json'), JSON.stringify(bundleConfig(root, args)));
    }
  }

  get #sleeping(): string {
    return `${this.#runtime.name}-sleeping`;
  }

  #run(args: string): Promise<void> {
    return this.#shell.run(`${this.#runtime.command} ${args}`);
  }

  /** `run` of `true`: create, start, wait, delete. */
  async runTrue(): Promise<void> {
    this.#count += 1;
    await this.#run(`run --bundle ${join(this.#folder, 'true')} ${this.#runtime.name}-true${this.#count}`);
  }

  /** A container for `execTrue`. */
  async startSleeping(): Promise<void> {
    await this.#run(`run --detach --bundle ${join(this.#folder, 'sleep')} ${this.#sleeping}`);
  }

  async execTrue(): Promise<void> {
    await this.#run(`exec ${this.#sleeping} /bin/true`);
  }

  async removeSleeping(): Promise<void> {
    await this.#run(`delete --force ${this.#sleeping}`);
  }
}
