import type { AbortSignal } from '../../base/abort.ts';
import { invalidArgument } from '../../base/errors.ts';
import { isSysError } from '../../base/sys-error.ts';
import { O_DIRECTORY, O_RDONLY } from '../../abi/constants.ts';
import { sysKernelFiles } from '../../guest/files/sys-kernel-files.ts';
import { probeMemory } from '../../guest/hotplug/probe-memory.ts';
import { checkDateTime } from '../../guest/machine/date-time.ts';
import type { MachineServices } from '../../guest/machine/machine-services.ts';
import { swapPciPath } from '../../guest/machine/swap-path.ts';
import type { StorageContext } from '../../guest/storage/storage.ts';
import { findVolume } from '../../guest/volume/find-volume.ts';
import { planResize } from '../../guest/volume/resize-plan.ts';
import { VOLUME_OPEN_FLAGS, volumeStats } from '../../guest/volume/volume-stats.ts';
import { cleanPath } from '../../base/guest-path.ts';
import { open } from '../../sys/file.ts';
import { fstatfs } from '../../sys/statfs.ts';
import { reseedRandom } from '../../sys/random.ts';
import { resizeExt4 } from '../../sys/resize.ts';
import { setWallClock, swapOn } from '../../sys/system.ts';

interface Parts {
  readonly waitForBlockDevice: StorageContext['waitForBlockDevice'];
  readonly runBlocking: <T>(name: string, work: () => T) => Promise<T>;
  readonly runProgram: (argv: readonly string[], signal: AbortSignal) => Promise<void>;
}

/** Clock, randomness, memory, swap and volumes of the guest. What may wait for a device or a share runs in a child. */
export function createMachineServices(parts: Parts): MachineServices {
  const { runBlocking } = parts;
  return {
    setDateTime(sec, usec) {
      const nsec = checkDateTime(sec, usec);
      try {
        setWallClock(sec, nsec);
      } catch (error) {
        // Later than the kernel can count in nanoseconds.
        if (isSysError(error, 'EINVAL')) throw invalidArgument('Sec', `${sec} cannot be set`);
        throw error;
      }
    },
    async reseedRandom(seed) {
      if (seed.length === 0) throw invalidArgument('data', 'empty');
      // As many bits as there are bytes: hosts send good randomness, and Kata counts so too.
      await runBlocking('reseed the random number generator', () => reseedRandom(seed, seed.length));
    },
    probeMemory: (addresses) => runBlocking('probe memory', () => probeMemory(sysKernelFiles, addresses)),
    async addSwap(slots, signal) {
      const disk = await parts.waitForBlockDevice(swapPciPath(slots), signal);
      await runBlocking(`swapon ${disk.node}`, () => swapOn(disk.node));
    },
    async addSwapPath(path) {
      const clean = cleanPath(path, 'path');
      await runBlocking(`swapon ${clean}`, () => swapOn(clean));
    },
    async volumeStats(path) {
      const clean = cleanPath(path, 'volume_guest_path');
      const found = await runBlocking(`statfs ${clean}`, () => {
        using volume = open(clean, VOLUME_OPEN_FLAGS);
        const { blockSize, blocks, blocksFree, files, filesFree } = fstatfs(volume);
        return [blockSize, blocks, blocksFree, files, filesFree].map(String);
      });
      const [blockSize = 0n, blocks = 0n, blocksFree = 0n, files = 0n, filesFree = 0n] = found.map(BigInt);
      return volumeStats({ blockSize, blocks, blocksFree, files, filesFree });
    },
    async resizeVolume(path, size, signal) {
      const clean = cleanPath(path, 'volume_guest_path');
      const found = await runBlocking(`look at volume ${clean}`, () => findVolume(clean));
      const { method, blocks } = planResize(
        {
          fsType: found.fsType,
          blockSize: BigInt(found.blockSize),
          usableBytes: BigInt(found.usableBytes),
          deviceBytes: found.deviceBytes === undefined ? undefined : BigInt(found.deviceBytes),
        },
        size,
      );
      if (method === 'xfs') {
        await parts.runProgram(['xfs_growfs', '-D', String(blocks), clean], signal);
        return;
      }
      await runBlocking(`resize ${clean}`, () => {
        using directory = open(clean, O_RDONLY | O_DIRECTORY);
        resizeExt4(directory, blocks);
      });
    },
  };
}
