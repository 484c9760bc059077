import { DomainError } from '../../base/errors.ts';
import type { AgentHandler } from '../handler.ts';

/** SetPolicy (boot contract, section 10). An image without policy answers as an agent of Kata's that was built without. */
export const setPolicy: AgentHandler<'SetPolicy'> = (context, request) => {
  if (context.policy === undefined) throw new DomainError('not_found', '/grpc.AgentService/SetPolicy is not supported');
  context.policy.replace(request.policy);
  return {};
};
