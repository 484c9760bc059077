import { describe, expect, it } from 'vitest';
import { neverAborted } from '../../../../agent/src/base/abort.ts';
import { countCpuList } from '../../../../agent/src/guest/hotplug/cpu-list.ts';
import { hasMemoryProbe, memoryBlockSizeBytes } from '../../../../agent/src/guest/hotplug/memory-details.ts';
import { onlineCpuMem, type HotplugContext } from '../../../../agent/src/guest/hotplug/online-cpu-mem.ts';
import { FakeKernelFiles } from '../fake-kernel-files.ts';

const CPU = '/sys/devices/system/cpu';
const MEMORY = '/sys/devices/system/memory';

/** A guest with cpu0 fixed and others that can be switched; its list of online CPUs follows what is written. */
function guest(online: Record<string, '0' | '1'>): {
  files: FakeKernelFiles;
  context: HotplugContext;
  sleeps: number[];
} {
  const files = new FakeKernelFiles({ [`${CPU}/cpu0/topology/core_id`]: '0' });
  const sleeps: number[] = [];
  for (const [name, value] of Object.entries(online)) files.files.set(`${CPU}/${name}/online`, `${value}\n`);
  const refresh = (): void => {
    const list = ['0'];
    for (const name of files.tryList(CPU) ?? []) {
      if (files.tryRead(`${CPU}/${name}/online`)?.trim() === '1') list.push(name.slice(3));
    }
    files.files.set(`${CPU}/online`, `${list.join(',')}\n`);
  };
  refresh();
  files.onWrite = (path, text) => {
    files.files.set(path, text);
    refresh();
  };
  const context: HotplugContext = {
    files,
    runBlocking: async (_name, work) => work(),
    sleep: async (delayMs) => void sleeps.push(delayMs),
  };
  return { files, context, sleeps };
}

const request = (cpuCount: number, isCpuOnly: boolean) => ({ cpuCount, isCpuOnly, signal: neverAborted });

describe('countCpuList()', () => {
  it.each([
    ['0\n', 1],
    ['0-3', 4],
    ['0-1,4,6-7', 5],
    ['', 0],
    ['\n', 0],
    ['3-1', 0],
    ['x', 0],
  ])('%j holds %d', (list, count) => {
    expect(countCpuList(list)).toBe(count);
  });
});

describe('onlineCpuMem()', () => {
  it('does nothing when enough CPUs are online', async () => {
    const { files, context } = guest({ cpu1: '1' });
    expect(await onlineCpuMem(context, request(2, true))).toBe('0,1');
    expect(files.writes).toEqual([]);
  });

  it('brings up only as many CPUs as are missing, without sleeping', async () => {
    const { files, context, sleeps } = guest({ cpu1: '0', cpu2: '0', cpu3: '0' });
    expect(await onlineCpuMem(context, request(3, true))).toBe('0,1,2');
    expect(files.writes).toEqual([`${CPU}/cpu1/online=1`, `${CPU}/cpu2/online=1`]);
    expect(sleeps).toEqual([]);
  });

  it('waits for a CPU that is still on its way', async () => {
    const { files, context } = guest({});
    let rounds = 0;
    const slow: HotplugContext = {
      ...context,
      sleep: async () => {
        if (++rounds === 3) files.files.set(`${CPU}/cpu1/online`, '0\n');
      },
    };
    expect(await onlineCpuMem(slow, request(2, false))).toBe('0,1');
    expect(rounds).toBe(3);
  });

  it('gives up after a hundred rounds, 50 ms apart, and then leaves memory alone', async () => {
    const { files, context, sleeps } = guest({ cpu1: '0' });
    files.files.set(`${MEMORY}/memory8/online`, '0\n');
    await expect(onlineCpuMem(context, request(3, false))).rejects.toThrow(
      'failed to online 3 CPU(s) after 100 retries',
    );
    expect(sleeps).toEqual(new Array(100).fill(50));
    expect(files.writes).toEqual([`${CPU}/cpu1/online=1`]);
  });

  it('passes over memory once and hides what fails', async () => {
    const { files, context } = guest({});
    files.files.set(`${MEMORY}/memory8/online`, '0\n');
    files.files.set(`${MEMORY}/memory9/online`, '1\n');
    files.files.set(`${MEMORY}/memory10/online`, '0\n');
    files.onWrite = () => {
      throw new Error('EBUSY');
    };
    expect(await onlineCpuMem(context, request(0, false))).toBe('0');
    expect(files.writes).toEqual([`${MEMORY}/memory8/online=1`, `${MEMORY}/memory10/online=1`]);
  });
});

describe('memory details', () => {
  it('reads the block size as hexadecimal', () => {
    expect(memoryBlockSizeBytes(new FakeKernelFiles({ [`${MEMORY}/block_size_bytes`]: '8000000\n' }))).toBe(134217728n);
    expect(memoryBlockSizeBytes(new FakeKernelFiles())).toBe(0n);
  });

  it.each(['', 'xyz', '0x10', '11112222333344445'])('refuses the block size %j', (text) => {
    const files = new FakeKernelFiles({ [`${MEMORY}/block_size_bytes`]: text });
    expect(() => memoryBlockSizeBytes(files)).toThrow('Invalid block size');
  });

  it('knows whether memory is probed', () => {
    expect(hasMemoryProbe(new FakeKernelFiles())).toBe(false);
    expect(hasMemoryProbe(new FakeKernelFiles({ [`${MEMORY}/probe`]: '' }))).toBe(true);
  });
});
