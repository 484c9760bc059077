import { existsSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Edit } from '../../support/oci-bundle.ts';
import { HostMachine, type CommandOutcome, type Machine } from '../../support/oci-machine.ts';
import { OciRuntime } from '../../support/oci-runtime.ts';
import { releaseAgent, runtimeOf } from '../../support/repository.ts';

/**
 * What the suite runs against. `KIHON_OCI_RUNTIME` names a runtime with runc's command line (default: our own); a test file that
 * takes in the sections may say another place instead (`useTarget`).
 */
export interface Target {
  /** Runs a script from creation to removal. */
  run(run: string | readonly string[], edit?: Edit): Promise<CommandOutcome>;
  /** Expects that a configuration is refused; gives the error text. */
  refusal(edit: Edit): Promise<string>;
  /** The command line; throws where there is none. */
  readonly runtime: OciRuntime;
  /** Nothing of any container is left. */
  verify(): Promise<void>;
  /** The section is done with it. */
  release(): Promise<void>;
}

const asked = process.env['KIHON_OCI_RUNTIME'] ?? '';

interface Choice {
  readonly name: string;
  readonly isVm: boolean;
  readonly start: () => Promise<Target>;
}

const place = globalThis as { kihonConformanceTarget?: Choice };

/** Makes the sections that are imported from now on in this test file run against something else. */
export function useTarget(choice: Choice): void {
  place.kihonConformanceTarget = choice;
}

/** `runc`, `crun`, `kihon-oci`, or `agent` for the agent's API. */
export function runtimeName(): string {
  return place.kihonConformanceTarget?.name ?? (asked === '' ? 'kihon-oci' : basename(asked));
}

/** True in a guest with cgroup v2 and its controllers. */
export function isVm(): boolean {
  return place.kihonConformanceTarget?.isVm ?? false;
}

export async function startTarget(): Promise<Target> {
  return await (place.kihonConformanceTarget?.start ?? startOnHost)();
}

/** The runtime as a program of this machine. */
async function startOnHost(): Promise<Target> {
  const machine = await HostMachine.start();
  return commandLineTarget(new OciRuntime(runtimeName(), machine, await commandOf(machine)), async () => {
    await machine[Symbol.asyncDispose]();
  });
}

/** A target that is a command line. */
export function commandLineTarget(runtime: OciRuntime, release: () => Promise<void>): Target {
  return {
    runtime,
    run: (run, edit) => runtime.run(run, edit),
    refusal: (edit) => runtime.refusal(edit),
    verify: () => runtime.verify(),
    release,
  };
}

/** How the runtime is called on this machine. */
async function commandOf(machine: Machine): Promise<readonly string[]> {
  if (runtimeName() === 'crun') {
    const path = join(machine.folder, 'crun');
    await machine.write(path, crunWrapper(asked), 0o755);
    return [path];
  }
  if (asked !== '') return [asked];
  if (!existsSync(releaseAgent)) throw new Error(`no agent at ${releaseAgent}: make agent`);
  const path = join(machine.folder, 'kihon-oci');
  await symlink(runtimeOf(releaseAgent), path);
  return [path];
}

/** crun refuses a hybrid cgroup layout: it gets a mount namespace in which there is a v2 hierarchy only. */
function crunWrapper(crun: string): string {
  const script = 'mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec "$0" --cgroup-manager=disabled "$@"';
  return `#!/bin/sh\nexec unshare --mount --propagation slave sh -c '${script}' ${crun} "$@"\n`;
}
