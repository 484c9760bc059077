import { services } from '../../proto/gen/services.js';
import { HostError } from '../vm/host-error.ts';
import type { AgentClient, CallOptions } from './agent-client.ts';
import { JsonFieldError, messageFromJson, messageToJson } from './protobuf-json.ts';

const SERVICES = ['grpc.AgentService', 'grpc.Health'] as const;

/** Finds a method by its bare name, or by `service/method`. @throws HostError listing the names */
function findMethod(name: string) {
  const [method = '', service] = name.split('/').reverse();
  for (const candidate of SERVICES) {
    const codec = service === undefined || service === candidate ? services.find(candidate, method) : undefined;
    if (codec !== undefined) return { service: candidate, method, codec };
  }
  const known = SERVICES.flatMap((one) => services.methods(one)).join(' ');
  throw new HostError(`the agent has no method ${name}; it has ${known}`);
}

/**
 * One call with request and answer in JSON.
 *
 * @throws HostError for an unknown method or a request that does not fit, RpcError from the agent
 */
export async function callJson(
  client: AgentClient,
  name: string,
  json: unknown,
  options: CallOptions,
): Promise<unknown> {
  const { service, method, codec } = findMethod(name);
  let request: object;
  try {
    request = messageFromJson(codec.request.schema, codec.request.type, json);
  } catch (error) {
    throw error instanceof JsonFieldError ? new HostError(error.message) : error;
  }
  const answer = await client.callEncoded(service, method, codec.request.encode(request), codec.response, options);
  return messageToJson(codec.response.schema, codec.response.type, answer);
}
