import { existsSync, readFileSync } from 'node:fs';
import { childrenOf } from '../agent/kernel-view.ts';
import type { TestVm } from './test-vm.ts';

/** Processes of the servers of a VM's shares: below its helpers, with their name. */
export function shareServers(vm: TestVm): number[] {
  const below = (pid: number): number[] =>
    [pid, ...childrenOf(pid).flatMap((child) => below(child.pid))].filter((each) => existsSync(`/proc/${each}`));
  return vm.vm.helpers
    .flatMap((helper) => below(helper.pid))
    .filter((pid) => readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('virtiofsd'));
}
