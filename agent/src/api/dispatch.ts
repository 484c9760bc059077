import { CallerError, DomainError } from '../base/errors.ts';
import type { ServerCall } from '../codec/ttrpc/server-call.ts';
import type { Logger } from '../base/log.ts';
import type { Init } from '../codec/protobuf/message-codec.ts';
import type { RequestSpan } from '../guest/trace/request-tracer.ts';
import type { EventLoop, Timer } from '../sys/loop.ts';
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
 * Runs the handler of a call and sends its answer: at once when the handler has it at once, and then undefined is returned. Whatever
 * is thrown, the engine's `null` for "out of memory" included, fails this one call. `onExpired` is told when the deadline has answered
 * the call while its handler goes on.
 */
export function dispatch(
  context: ApiContext,
  loop: EventLoop,
  log: Logger,
  call: ServerCall,
  onExpired: () => void,
): Promise<void> | undefined {
  const { deadlineMs, method, request } = call;
  const span = context.tracer?.begin(method, request, (key) => call.metadataValues(key));
  const expire = (): void => {
    call.expire();
    onExpired();
  };
  const timer = deadlineMs === undefined ? undefined : loop.setTimer(deadlineMs, expire);
  try {
    const handler = findHandler(call.service, method) as AnyHandler | undefined;
    if (handler === undefined) throw new DomainError('unimplemented', `${method} method is not implemented`);
    if (!quiet.includes(method)) log.info(`rpc call ${method}`);
    failpoint(`rpc.${method}`);
    const { policy } = context;
    const answer =
      policy === undefined || call.service !== POLICY_SERVICE
        ? handler(context, request, call)
        : policy.guard(call, () => handler(context, request, call));
    if (answer instanceof Promise) return finish(answer as Promise<Init<object>>, log, call, span, timer);
    call.reply(answer);
    span?.end();
  } catch (error) {
    refuse(error, log, call, span);
  }
  timer?.cancel();
  return undefined;
}

/** The rest of a call whose handler has to wait for something. */
async function finish(
  answer: Promise<Init<object>>,
  log: Logger,
  call: ServerCall,
  span: RequestSpan | undefined,
  timer: Timer | undefined,
): Promise<void> {
  try {
    call.reply(await answer);
    span?.end();
  } catch (error) {
    refuse(error, log, call, span);
  } finally {
    timer?.cancel();
  }
}

function refuse(error: unknown, log: Logger, call: ServerCall, span: RequestSpan | undefined): void {
  const { code, message } = statusOf(error);
  call.fail(code, message);
  const text = error instanceof CallerError ? error.message : message;
  span?.end(text);
  if (call.method !== 'Check') log.warn(`rpc ${call.method} failed`, { error: text, code });
}
