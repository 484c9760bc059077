import { CallerError, DomainError } from '../base/errors.ts';
import type { ServerCall } from '../codec/ttrpc/server-call.ts';
import type { Logger } from '../base/log.ts';
import type { Init } from '../codec/protobuf/message-codec.ts';
import type { EventLoop } from '../sys/loop.ts';
import { failpoint } from '../base/failpoint.ts';
import type { ApiContext, Call } from './handler.ts';
import { findHandler } from './services.ts';
import { statusOf } from './status.ts';

/** Calls that hosts repeat all the time; they are not worth a log record each (boot contract, 6.1). */
const quiet: readonly string[] = ['Check', 'Version', 'WriteStdin', 'ReadStdout', 'ReadStderr', 'GetOOMEvent'];

/** The service whose calls a policy judges; Health is always answered. */
const POLICY_SERVICE = 'grpc.AgentService';

/** Any handler, once its method was looked up. */
type AnyHandler = (context: ApiContext, request: object, call: Call) => Promise<Init<object>> | Init<object>;

/**
 * Runs the handler of a call and sends its answer. Whatever is thrown, the engine's `null` for "out of memory" included, fails
 * this one call. `onExpired` is told when the deadline has answered the call while its handler goes on.
 */
export async function dispatch(
  context: ApiContext,
  loop: EventLoop,
  log: Logger,
  call: ServerCall,
  onExpired: () => void,
): Promise<void> {
  const expire = (): void => {
    call.expire();
    onExpired();
  };
  const span = context.tracer?.begin(call.method, call.request, (key) => call.metadataValues(key));
  const timer = call.deadlineMs === undefined ? undefined : loop.setTimer(call.deadlineMs, expire);
  try {
    const handler = findHandler(call.service, call.method) as AnyHandler | undefined;
    if (handler === undefined) throw new DomainError('unimplemented', `${call.method} method is not implemented`);
    if (!quiet.includes(call.method)) log.info(`rpc call ${call.method}`);
    failpoint(`rpc.${call.method}`);
    const { policy } = context;
    if (policy === undefined || call.service !== POLICY_SERVICE) call.reply(await handler(context, call.request, call));
    else call.reply(await policy.guard(call, () => handler(context, call.request, call)));
    span?.end();
  } catch (error) {
    const { code, message } = statusOf(error);
    call.fail(code, message);
    const text = error instanceof CallerError ? error.message : message;
    span?.end(text);
    if (call.method !== 'Check') log.warn(`rpc ${call.method} failed`, { error: text, code });
  } finally {
    timer?.cancel();
  }
}
