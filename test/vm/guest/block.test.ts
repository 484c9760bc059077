import { closeSync, ftruncateSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runAsInit } from '../../support/vm/run-as-init.ts';

/** As Kata's Go runtime makes its first bridge (storage contract, section 15, fragment B). */
const BRIDGE = [
  ...['-device', 'pci-bridge,bus=pcie.0,id=pci-bridge-0,chassis_nr=1,shpc=off,addr=2'],
  ...['-blockdev', 'driver=file,node-name=cold,filename=DIRECTORY/cold'],
  ...['-blockdev', 'driver=file,node-name=hot,filename=DIRECTORY/hot'],
  ...['-device', 'virtio-blk-pci,drive=cold,bus=pci-bridge-0,addr=3'],
];

function makeDisks(directory: string): void {
  for (const name of ['cold', 'hot']) {
    const fd = openSync(join(directory, name), 'w');
    ftruncateSync(fd, 1 << 20);
    closeSync(fd);
  }
}

it('block devices are found by PCI path, plugged in before boot or later', async () => {
  const run = await runAsInit(join(import.meta.dirname, 'block-program.ts'), {
    isKernelPackaged: true,
    devices: BRIDGE,
    prepare: makeDisks,
    onLine: async (line, qmp) => {
      if (!line.includes('waiting for the disk')) return;
      await qmp.execute('device_add', {
        driver: 'virtio-blk-pci',
        drive: 'hot',
        bus: 'pci-bridge-0',
        addr: '5',
        id: 'h',
      });
    },
  });
  const lines = run.console.filter((line) => /^(ok|FAIL) /.test(line));
  expect(lines.filter((line) => line.startsWith('FAIL'))).toEqual([]);
  expect(lines.at(-1), run.console.join('\n')).toBe('ok the program ends');
  expect(lines).toHaveLength(7);
  expect(run.status).toBe(0);
});
