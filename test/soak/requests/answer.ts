import type { AgentClient, AgentMethod } from '../../../host/client/agent-client.ts';
import { isRpcError, type RpcCode } from '../../../host/client/rpc-error.ts';
import { PLAUSIBLE_REQUESTS, type RaceTarget } from './plausible-requests.ts';

/** How a call ended. */
export interface Answer {
  readonly method: string;
  readonly status: RpcCode | 'ok' | 'thrown';
  readonly detail: string;
}

/** What a call may be told whose container is removed meanwhile. */
export const RACE_STATUSES: ReadonlySet<string> = new Set<Answer['status']>([
  'ok',
  'not_found',
  'already_exists',
  'invalid_argument',
  'internal',
  'deadline_exceeded',
  'unimplemented',
]);

/** Marks of a mistake of ours instead of an explanation (check C5), and of a client that got no answer. */
const MISTAKES = /\n\s+at |\.(ts|js):\d+|TypeError|ReferenceError|not a function|cannot read propert|undefined|EBADF/;
const NO_ANSWER = /no answer in/;
/** What hosts are told by TtyWinResize for a process without a terminal. */
const NO_TERMINAL = 'no tty';

/** The longest wait for calls that wait for something that does not come, and for all others, in ms. */
const WAITING_MS = 200;
const DEADLINE_MS = 30_000;
/** The agent says itself that a deadline is over, however busy the machine is; this bounds a run where it does not, in ms. */
const GRACE_MS = 30_000;
const WAITS_IN_VAIN: ReadonlySet<string> = new Set<AgentMethod>(['GetOOMEvent', 'AddSwap']);

/** Calls a method with a plausible request; never throws. */
export async function callPlausibly(
  client: AgentClient,
  method: AgentMethod,
  target: RaceTarget,
  timeoutMs = WAITS_IN_VAIN.has(method) ? WAITING_MS : DEADLINE_MS,
): Promise<Answer> {
  return await answerOf(
    method,
    client.call(method, PLAUSIBLE_REQUESTS[method](target), { timeoutMs, graceMs: GRACE_MS }),
  );
}

/** How a call ends. */
export async function answerOf(method: string, call: Promise<unknown>): Promise<Answer> {
  try {
    await call;
    return { method, status: 'ok', detail: '' };
  } catch (error) {
    if (isRpcError(error)) return { method, status: error.code, detail: error.detail };
    return { method, status: 'thrown', detail: String(error) };
  }
}

/** What is wrong with an answer; undefined when nothing is. */
export function faultOf(answer: Answer, allowed: ReadonlySet<string>): string | undefined {
  const text = `${answer.method}: ${answer.status}: ${answer.detail}`;
  if (NO_ANSWER.test(answer.detail)) return `no answer to ${text}`;
  if (answer.method === 'TtyWinResize' && answer.detail === NO_TERMINAL) return undefined;
  if (!allowed.has(answer.status)) return `a status that is not allowed: ${text}`;
  if (MISTAKES.test(answer.detail)) return `not an explanation: ${text}`;
  return undefined;
}
