import type { AgentHandler } from '../handler.ts';
import { storageFromProto } from '../storage-from-proto.ts';

/** UpdateEphemeralMounts (lifecycle 3.4): new sizes for the tmpfs volumes of the pod. */
export const updateEphemeralMounts: AgentHandler<'UpdateEphemeralMounts'> = async (context, request, call) => {
  await context.guest.updateEphemeralMounts(request.storages.map(storageFromProto), call.signal);
  return {};
};
