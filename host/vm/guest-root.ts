import type { Machine } from './machine.ts';
import { quoteOptionValue } from './quote-option.ts';

/**
 * Where the guest's root comes from.
 * - `initrd`: unpacked into memory by the kernel
 * - `disk`: an image of ours, read-only, as a virtio disk (`/dev/vda`) or as an NVDIMM (`/dev/pmem0`), whose pages all guests share.
 *   `parameters` tell the kernel its root, as the builder printed them for a virtio disk.
 */
export type GuestRoot =
  | { readonly kind: 'initrd'; readonly path: string }
  | {
      readonly kind: 'disk';
      readonly path: string;
      readonly attachment: 'virtio-blk' | 'nvdimm';
      /** Exact size of the file, which an NVDIMM is made with. */
      readonly sizeBytes: number;
      readonly parameters: readonly string[];
      /** Hashes of a bare file system, attached as one more virtio disk (`/dev/vdb`). */
      readonly hashPath?: string;
    };

/** NVDIMMs take addresses behind the memory: the machine must have room for them. */
const NVDIMM_SLOTS = 2;

/** What a machine's own option and its memory's need beside an NVDIMM root; empty for others. */
export function nvdimmRoom(root: GuestRoot, memoryMib: number): { readonly machine: string; readonly memory: string } {
  if (root.kind !== 'disk' || root.attachment !== 'nvdimm') return { machine: '', memory: '' };
  const imageMib = Math.ceil(root.sizeBytes / (1 << 20));
  return { machine: ',nvdimm=on', memory: `,slots=${NVDIMM_SLOTS},maxmem=${memoryMib + imageMib + 1024}M` };
}

/** QEMU's arguments for the root. The file is opened for reading only, and the guest's device says so too. */
export function rootArguments(root: GuestRoot, machine: Machine): string[] {
  if (root.kind === 'initrd') return ['-initrd', root.path];
  const path = quoteOptionValue(root.path);
  const hashes = root.hashPath === undefined ? [] : diskArguments('hashes0', root.hashPath, machine);
  switch (root.attachment) {
    case 'virtio-blk':
      return [...diskArguments('root0', root.path, machine), ...hashes];
    case 'nvdimm':
      return [
        '-object',
        // Private pages are never written to: the file is opened for reading, and the device is unarmed.
        `memory-backend-file,id=root0,mem-path=${path},size=${root.sizeBytes},share=off,readonly=on`,
        ...['-device', 'nvdimm,id=nvdimm0,memdev=root0,unarmed=on'],
        ...hashes,
      ];
  }
}

function diskArguments(name: string, path: string, machine: Machine): string[] {
  const device = machine === 'microvm' ? 'virtio-blk-device' : 'virtio-blk-pci';
  return [
    '-blockdev',
    `driver=raw,node-name=${name},read-only=on,file.driver=file,file.filename=${quoteOptionValue(path)}`,
    ...['-device', `${device},drive=${name}`],
  ];
}

/** Root file systems that can be read in place from an NVDIMM. */
const DAX_TYPES = /^rootfstype=(?:ext4|xfs|erofs)$/;

/** The kernel's parameters for the root, for the way it is attached. */
export function rootParameters(root: GuestRoot): readonly string[] {
  if (root.kind === 'initrd') return [];
  if (root.attachment === 'virtio-blk') return root.parameters;
  const onNvdimm = root.parameters.map((word) =>
    word
      .replace(
        /\/dev\/vda(\d*)/g,
        (_device, partition: string) => `/dev/pmem0${partition === '' ? '' : `p${partition}`}`,
      )
      // The hashes of a bare file system are the only virtio disk then.
      .replaceAll('/dev/vdb', '/dev/vda'),
  );
  // A measured root lies on a mapped device, which is read through the page cache.
  if (!onNvdimm.some((word) => word.startsWith('root=/dev/pmem0')) || !onNvdimm.some((word) => DAX_TYPES.test(word)))
    return onNvdimm;
  const flags = onNvdimm.find((word) => word.startsWith('rootflags='));
  return flags === undefined
    ? [...onNvdimm, 'rootflags=dax']
    : onNvdimm.map((word) => (word === flags ? word.replace('rootflags=', 'rootflags=dax,') : word));
}
