import { DomainError, invalidArgument } from '../../base/errors.ts';
import type { AgentHandler } from '../handler.ts';

/** Where Kubernetes' host runtime says which file in the container holds the last words. */
const PATH_ANNOTATION = 'io.kubernetes.container.terminationMessagePath';

/** GetDiagnosticData (lifecycle 3.6): the termination message of a container. */
export const getDiagnosticData: AgentHandler<'GetDiagnosticData'> = async (context, request) => {
  if (request.log_type !== 'termination_log')
    throw invalidArgument('log_type', `${JSON.stringify(request.log_type)} is not termination_log`);
  const { spec } = context.sandbox.container(request.container_id).handle;
  const path = spec.annotations.get(PATH_ANNOTATION);
  if (path === undefined) throw new DomainError('internal', `container has no annotation ${PATH_ANNOTATION}`);
  const mount = spec.mounts.find(({ destination }) => destination === path);
  if (mount === undefined) throw new DomainError('internal', `container has no mount at ${JSON.stringify(path)}`);
  const files = await context.guest.files();
  return { data: (await files.readDiagnostic(mount.source)) ?? '' };
};
