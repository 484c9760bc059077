import type { BlockIoResources } from '../../oci/spec.ts';
import type { CgroupWrite } from './cgroup-write.ts';

/** `io.weight` (1 to 10000) for a `blkio` or BFQ weight (10 to 1000), linearly as runc converts it. */
export function blockWeightToIoWeight(weight: number): number {
  const clamped = Math.min(1000, Math.max(10, weight));
  return 1 + Math.trunc(((clamped - 10) * 9999) / 990);
}

/** Weights are hints to the scheduler; a limit of a device that the kernel refuses is an error unless the cgroup is lenient. */
export function planBlockIo(io: BlockIoResources, hasBfqWeight: boolean): CgroupWrite[] {
  const field = 'linux.resources.blockIO';
  const file = hasBfqWeight ? 'io.bfq.weight' : 'io.weight';
  const convert = (weight: number): number => (hasBfqWeight ? weight : blockWeightToIoWeight(weight));
  const weigh = (value: string, name: string): CgroupWrite => ({
    file,
    value,
    controller: 'io',
    field: `${field}.${name}`,
    need: 'hint',
  });
  const limits = [
    ['rbps', 'throttleReadBpsDevice', io.readBps],
    ['wbps', 'throttleWriteBpsDevice', io.writeBps],
    ['riops', 'throttleReadIOPSDevice', io.readIops],
    ['wiops', 'throttleWriteIOPSDevice', io.writeIops],
  ] as const;
  return [
    ...(io.weight === undefined || io.weight === 0 ? [] : [weigh(`${convert(io.weight)}`, 'weight')]),
    ...io.weightDevices.flatMap(({ major, minor, weight }) =>
      weight === 0 ? [] : [weigh(`${major}:${minor} ${convert(weight)}`, 'weightDevice')],
    ),
    ...limits.flatMap(([key, name, devices]) =>
      devices.map(({ major, minor, rate }, index): CgroupWrite => ({
        file: 'io.max',
        // A rate of 0 is "no limit" in specs; the kernel wants that said.
        value: `${major}:${minor} ${key}=${rate === 0n ? 'max' : rate}`,
        controller: 'io',
        field: `${field}.${name}[${index}]`,
        need: 'lenient',
      })),
    ),
  ];
}
