import { specFromProto } from '../../oci/from-proto.ts';
import type { SharedMount } from '../../sandbox/shared-mount.ts';
import type { AgentHandler } from '../handler.ts';
import { storageFromProto } from '../storage-from-proto.ts';

/** CreateContainer (lifecycle 4.1). Passfd ports mean nothing while that listener is off. */
export const createContainer: AgentHandler<'CreateContainer'> = async (context, request, call) => {
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
      ports: { stdin: request.stdin_port, stdout: request.stdout_port, stderr: request.stderr_port },
      sharesPidNamespace: request.sandbox_pidns,
      sharedMounts: request.shared_mounts.length === 0 ? [] : await sharedMountsFromProto(request.shared_mounts),
    },
    call.signal,
  );
  return {};
};

/** Read when a container first wants some. */
async function sharedMountsFromProto(
  mounts: readonly { readonly src_ctr: string; readonly src_path: string; readonly dst_path: string }[],
): Promise<readonly SharedMount[]> {
  const { checkSharedMounts } = await import('../../sandbox/shared-mounts.ts');
  return checkSharedMounts(
    mounts.map(({ src_ctr, src_path, dst_path }) => ({
      sourceContainer: src_ctr,
      sourcePath: src_path,
      destinationPath: dst_path,
    })),
  );
}
