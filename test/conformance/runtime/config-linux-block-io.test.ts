import { expect } from 'vitest';
import { shell } from '../../support/oci-machine.ts';
import type { OciRuntime } from '../../support/oci-runtime.ts';
import { limitsOf } from '../support/limits.ts';
import { section } from '../support/section.ts';

/** Numbers of some disk of the machine. */
async function disk(runtime: OciRuntime): Promise<{ major: number; minor: number } | undefined> {
  const text = await shell(runtime.machine, 'cat /sys/block/*/dev 2>/dev/null | head -n 1');
  const [major, minor] = text.split(':').map(Number);
  return major === undefined || minor === undefined || text === '' ? undefined : { major, minor };
}

section('config-linux.md#block-io', ({ operation }) => {
  operation(
    'throttling of bytes and operations, for reading and writing',
    async (runtime) => {
      const device = await disk(runtime);
      if (device === undefined) return;
      const blockIO = {
        throttleReadBpsDevice: [{ ...device, rate: 1_048_576 }],
        throttleWriteBpsDevice: [{ ...device, rate: 2_097_152 }],
        throttleReadIOPSDevice: [{ ...device, rate: 100 }],
        throttleWriteIOPSDevice: [{ ...device, rate: 200 }],
      };
      const [limits] = await limitsOf(runtime, { blockIO }, ['io.max']);
      expect(limits).toBe(`${device.major}:${device.minor} rbps=1048576 wbps=2097152 riops=100 wiops=200`);
    },
    { vm: true },
  );

  operation(
    'a weight out of range is an error',
    async (runtime) => {
      for (const weight of [1, 100_000])
        await runtime.refusal((config) => {
          config.linux.resources = { blockIO: { weight } };
        });
    },
    { vm: true },
  );
});
