import type { AgentHandler } from '../handler.ts';

/** `VolumeUsage.Unit`. */
const BYTES = 1;
const INODES = 2;

/** GetVolumeStats (contract storage, section 11). */
export const getVolumeStats: AgentHandler<'GetVolumeStats'> = async (context, request) => {
  const machine = await context.guest.machine();
  const { bytes, inodes } = await machine.volumeStats(request.volume_guest_path);
  return {
    usage: [
      { ...bytes, unit: BYTES },
      { ...inodes, unit: INODES },
    ],
    volume_condition: { abnormal: false, message: 'OK' },
  };
};
