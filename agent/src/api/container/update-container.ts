import { resourcesFromProto } from '../../oci/resources-from-proto.ts';
import type { AgentHandler } from '../handler.ts';

/** UpdateContainer (lifecycle 4.4): without `resources` there is nothing to do. */
export const updateContainer: AgentHandler<'UpdateContainer'> = async (context, request, call) => {
  const resources = resourcesFromProto(request.resources);
  await context.sandbox.updateContainer(request.container_id, resources, call.signal);
  return {};
};
