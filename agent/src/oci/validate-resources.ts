import { DomainError, invalidArgument } from '../base/errors.ts';
import type { Resources } from './spec.ts';

const decimal = /^[0-9]+$/;
const cpuList = /^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$/;
const hugepageSize = /^[0-9]{1,10}(KB|MB|GB)$/;
const unifiedKey = /^[a-z][a-z0-9_]*(\.[A-Za-z0-9_]+)+$/;

function checkCpu(resources: Resources): void {
  const cpu = resources.cpu;
  if (cpu === undefined) return;
  for (const [name, value] of [
    ['cpus', cpu.cpus],
    ['mems', cpu.mems],
  ] as const) {
    if (value !== undefined && !(value.length <= 4096 && cpuList.test(value.trim()))) {
      throw invalidArgument(`linux.resources.cpu.${name}`, `${JSON.stringify(value.slice(0, 80))} is not a list`);
    }
  }
  if (cpu.realtimeRuntime !== undefined || cpu.realtimePeriod !== undefined) {
    throw new DomainError('unimplemented', 'linux.resources.cpu.realtime: cgroup v2 has no realtime limits');
  }
}

function checkMemory(resources: Resources): void {
  const memory = resources.memory;
  if (memory === undefined) return;
  if (memory.swappiness !== undefined && memory.swappiness > 100n) {
    throw invalidArgument('linux.resources.memory.swappiness', `${memory.swappiness} is not within 0..100`);
  }
  if (memory.swap !== undefined && memory.limit === undefined) {
    throw invalidArgument('linux.resources.memory.swap', 'needs a memory limit');
  }
  if (memory.swap !== undefined && memory.limit !== undefined && memory.swap < memory.limit) {
    throw invalidArgument('linux.resources.memory.swap', `${memory.swap} is below the memory limit ${memory.limit}`);
  }
}

function checkHugepages(resources: Resources): void {
  resources.hugepages.forEach((entry, index) => {
    if (!hugepageSize.test(entry.pageSize)) {
      throw invalidArgument(
        `linux.resources.hugepageLimits[${index}]`,
        `bad page size ${JSON.stringify(entry.pageSize)}`,
      );
    }
  });
}

function checkUnified(resources: Resources): void {
  for (const key of resources.unified.keys()) {
    if (key.length > 255 || !unifiedKey.test(key) || key.startsWith('cgroup.') || decimal.test(key)) {
      throw invalidArgument(
        'linux.resources.unified',
        `${JSON.stringify(key.slice(0, 80))} is not a controller's file`,
      );
    }
  }
}

/** Checks limits before any of them is written. Throws `invalid_argument`, or `unimplemented` for what v2 cannot do. */
export function validateResources(resources: Resources): void {
  checkCpu(resources);
  checkMemory(resources);
  checkHugepages(resources);
  checkUnified(resources);
}
