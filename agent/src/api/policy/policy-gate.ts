import { CallerError, DomainError, describeError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { ServerCall } from '../../codec/ttrpc/server-call.ts';
import { AgentPolicy } from '../../policy/agent-policy.ts';
import type { Decision } from '../../policy/agent-policy.ts';
import { requestInput } from '../../policy/request-input.ts';
import type { Value } from '../../policy/value/value.ts';
import { services } from '../../../../proto/gen/services.js';
import type { PolicyRecord } from './policy-record.ts';

/** Read first and judged then: a host whose reads are refused sees output that is empty, not errors (lifecycle contract, 5.3). */
const readMethods: readonly string[] = ['ReadStdout', 'ReadStderr'];
/** Name of a policy that a host sent, in errors and prints. */
const SENT_NAME = 'agent_policy';

/**
 * Stands before every call of the agent's service and asks the policy (boot contract, section 10). A decision and the change of state that
 * belongs to it are one synchronous step, so calls do not wait for each other.
 */
export class PolicyGate {
  readonly #log: Logger;
  readonly #record: PolicyRecord | undefined;
  #policy: AgentPolicy;

  /** `record` is told what policies are asked, for people who write one. Throws PolicyTextError when the text is no policy. */
  constructor(file: string, text: string, log: Logger, record?: PolicyRecord) {
    this.#log = log;
    this.#record = record;
    this.#policy = this.#load(file, text);
  }

  /** Runs `handle` if the policy allows the call; throws PERMISSION_DENIED or INTERNAL when it does not. */
  async guard<Answer>(call: ServerCall, handle: () => Promise<Answer> | Answer): Promise<Answer> {
    if (!readMethods.includes(call.method)) {
      this.#check(call);
      return handle();
    }
    const answer = await handle();
    try {
      this.#check(call);
      return answer;
    } catch {
      return { ...answer, data: new Uint8Array(0) };
    }
  }

  /** SetPolicy: another policy, with empty state. One that cannot be used changes nothing. */
  replace(text: string): void {
    try {
      this.#policy = this.#load(SENT_NAME, text);
    } catch (error) {
      throw new CallerError('invalid_argument', 'the policy cannot be used', describeError(error));
    }
    this.#log.info('policy replaced');
  }

  #load(file: string, text: string): AgentPolicy {
    const policy = new AgentPolicy(file, text);
    if (policy.allowsFailures) this.#log.warn('the policy allows what it refuses: AllowRequestsFailingPolicy is true');
    return policy;
  }

  #check(call: ServerCall): void {
    const codec = services.find(call.service, call.method)?.request;
    if (codec === undefined) throw new DomainError('internal', `${call.method}: not a method that a policy can judge`);
    const { schema, type } = codec;
    let made: Value | undefined;
    const makeInput = (): Value => (made ??= requestInput(schema, type, call.request));
    const decision = this.#policy.decide(type.name, makeInput);
    this.#record?.add(type.name, makeInput);
    this.#tell(type.name, decision);
    const { verdict } = decision;
    switch (verdict.kind) {
      case 'allowed':
        return;
      case 'denied':
        throw new CallerError('permission_denied', `${type.name} is blocked by policy`, verdict.reason);
      case 'failed':
        throw new DomainError('internal', `${type.name}: internal error ${verdict.reason}`);
    }
  }

  #tell(rule: string, { prints, isForced }: Decision): void {
    if (isForced) this.#log.warn('refused by the policy, which allows that', { rule });
    if (this.#record === undefined) return;
    for (const line of prints()) this.#log.debug(line);
  }
}
