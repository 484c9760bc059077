import { DomainError } from '../../base/errors.ts';
import { specFromProto } from '../../oci/from-proto.ts';
import type { AgentHandler } from '../handler.ts';
import { storageFromProto } from '../storage-from-proto.ts';

/** CreateContainer (lifecycle 4.1). Passfd ports are ignored while that listener is off, as upstream does. */
export const createContainer: AgentHandler<'CreateContainer'> = async (context, request, call) => {
  if (request.shared_mounts.length > 0)
    throw new DomainError('unimplemented', 'shared_mounts: mounts shared between containers are not built yet');
  await context.sandbox.createContainer(
    {
      containerId: request.container_id,
      spec: specFromProto(request.OCI),
      devices: request.devices.map((device) => ({
        type: device.type,
        id: device.id,
        vmPath: device.vm_path,
        containerPath: device.container_path,
        options: device.options,
      })),
      storages: request.storages.map(storageFromProto),
      sharesPidNamespace: request.sandbox_pidns,
    },
    call.signal,
  );
  return {};
};
