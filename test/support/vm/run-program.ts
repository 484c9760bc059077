import { copyFileSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentClient } from '../../../host/client/agent-client.ts';
import { DEFAULT_CAPABILITIES, type ContainerOptions } from '../container/container-spec.ts';
import { TestContainer, type Outcome } from '../container/test-container.ts';
import { compileProgram } from './compile-program.ts';
import type { TestVm } from './test-vm.ts';

/** Capabilities beside the default ones, and a spec that hides and protects nothing: what "privileged" means. */
export function privileged(...capabilities: readonly string[]): Pick<ContainerOptions, 'process' | 'linux'> {
  const all = [...DEFAULT_CAPABILITIES, ...capabilities];
  return {
    process: { Capabilities: { Bounding: all, Effective: all, Permitted: all }, NoNewPrivileges: false },
    linux: { MaskedPaths: [], ReadonlyPaths: [] },
  };
}

/** Compiles one of `programs/`, puts it into the busybox root file system, and runs it there as the first process of a container. */
export async function runGuestProgram(
  vm: TestVm,
  client: AgentClient,
  name: string,
  args: readonly string[],
  options: Partial<ContainerOptions> = {},
): Promise<Outcome> {
  const place = join(vm.share, 'roots/busybox/bin', name);
  copyFileSync(await compileProgram(name), place);
  chmodSync(place, 0o755);
  return await TestContainer.run(client, { root: vm.root, ...options, run: [`/bin/${name}`, ...args] });
}
