import { DomainError, invalidArgument } from '../base/errors.ts';
import type { Resources } from './spec.ts';

const decimal = /^[0-9]+$/;
const cpuList = /^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$/;
const hugepageSize = /^[0-9]{1,10}(KB|MB|GB)$/;
/** It becomes a word of a line. */
const rdmaDevice = /^[A-Za-z0-9_.:-]{1,64}$/;
/** A program of this many rules loads in a few milliseconds; real lists have some dozens. */
const maxDeviceRules = 2000;
const maxDeviceNumber = 0x7fff_ffffn;
/** What the kernel takes in cpu.max (kernel/sched/core.c). */
const minPeriodUs = 1_000n;
const maxPeriodUs = 1_000_000n;
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
  if (cpu.idle !== undefined && cpu.idle !== 0n && cpu.idle !== 1n) {
    throw invalidArgument('linux.resources.cpu.idle', `${cpu.idle} is neither 0 nor 1`);
  }
  const { period } = cpu;
  if (period !== undefined && period !== 0n && (period < minPeriodUs || period > maxPeriodUs)) {
    throw invalidArgument('linux.resources.cpu.period', `${period} is not within ${minPeriodUs}..${maxPeriodUs}`);
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
  const { swap, limit, reservation } = memory;
  for (const [name, value] of [
    ['limit', limit],
    ['reservation', reservation],
  ] as const) {
    if (value !== undefined && value < -1n)
      throw invalidArgument(`linux.resources.memory.${name}`, `${value} is no size`);
  }
  // 0 is "not set" and -1 "no limit".
  if (swap === undefined || swap === 0n || swap === -1n) return;
  if (swap < 0n) throw invalidArgument('linux.resources.memory.swap', `${swap} is no size`);
  if (limit === undefined || limit <= 0n) throw invalidArgument('linux.resources.memory.swap', 'needs a memory limit');
  if (swap < limit) {
    throw invalidArgument('linux.resources.memory.swap', `${swap} is below the memory limit ${limit}`);
  }
}

function checkHugepages(resources: Resources): void {
  resources.hugepages.forEach((entry, index) => {
    const [digits = '0'] = /^[0-9]+/.exec(entry.pageSize) ?? [];
    // Kernels have pages of powers of two only (2^n and 2^n - 1 share no bit).
    const size = BigInt(digits);
    if (!hugepageSize.test(entry.pageSize) || size === 0n || (size & (size - 1n)) !== 0n) {
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

function checkRdma(resources: Resources): void {
  for (const [device, limits] of resources.rdma) {
    if (limits.hcaHandles === undefined && limits.hcaObjects === undefined) {
      throw invalidArgument(`linux.resources.rdma[${JSON.stringify(device.slice(0, 80))}]`, 'has no limit');
    }
    if (!rdmaDevice.test(device)) {
      throw invalidArgument('linux.resources.rdma', `${JSON.stringify(device.slice(0, 80))} is no device name`);
    }
  }
}

function checkDeviceRules(resources: Resources): void {
  if (resources.devices.length > maxDeviceRules) {
    const reason = `${resources.devices.length} rules, at most ${maxDeviceRules} are accepted`;
    throw invalidArgument('linux.resources.devices', reason);
  }
  resources.devices.forEach(({ access, major, minor }, index) => {
    const field = `linux.resources.devices[${index}]`;
    if (!/^[rwm]{1,3}$/.test(access)) {
      throw invalidArgument(`${field}.access`, `${JSON.stringify(access.slice(0, 80))} is not made of r, w and m`);
    }
    for (const [name, value] of [
      ['major', major],
      ['minor', minor],
    ] as const) {
      if (value !== undefined && !(value >= 0n && value <= maxDeviceNumber)) {
        throw invalidArgument(`${field}.${name}`, `${value} is no device number`);
      }
    }
  });
}

/** Checks limits before any of them is written. Throws `invalid_argument`, or `unimplemented` for what v2 cannot do. */
export function validateResources(resources: Resources): void {
  checkCpu(resources);
  checkMemory(resources);
  checkHugepages(resources);
  checkUnified(resources);
  checkRdma(resources);
  checkDeviceRules(resources);
}
