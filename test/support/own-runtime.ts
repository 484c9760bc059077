import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { HostMachine } from './oci-machine.ts';
import { OciRuntime } from './oci-runtime.ts';
import { releaseAgent, runtimeOf } from './repository.ts';

/** Longest set-up and tear-down of a test file, in ms. */
const HOOK_MS = 240_000;

/** What the tests of one file share; valid inside tests. */
export interface RuntimeFixture {
  readonly machine: HostMachine;
  readonly runtime: OciRuntime;
}

/** `kihon-oci` on this machine for all tests of a file. After each test nothing of its containers may be left. */
export function useOwnRuntime(): RuntimeFixture {
  let machine: HostMachine | undefined;
  let runtime: OciRuntime | undefined;

  beforeAll(async () => {
    machine = await HostMachine.start();
    const program = join(machine.folder, 'kihon-oci');
    await copyFile(runtimeOf(releaseAgent), program);
    runtime = new OciRuntime('kihon-oci', machine, [program]);
  }, HOOK_MS);

  afterEach(async () => await runtime?.verify(), HOOK_MS);
  afterAll(async () => await machine?.[Symbol.asyncDispose](), HOOK_MS);

  const need = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('the runtime is there only inside tests');
    return value;
  };
  return {
    get machine() {
      return need(machine);
    },
    get runtime() {
      return need(runtime);
    },
  };
}
