import { describeError } from '../base/errors.ts';
import { applyPatch } from './json-patch.ts';
import { MAX_PRINT_TEXT, MAX_STATE_SIZE } from './limits.ts';
import { EvaluationError, PolicyTextError } from './policy-error.ts';
import { Policy } from './policy.ts';
import type { QueryResult } from './policy.ts';
import { joinPrints, printText } from './print-text.ts';
import { EMPTY_OBJECT, objectOf } from './value/rego-object.ts';
import { canonicalText } from './value/canonical-text.ts';
import { isArray, isObject } from './value/value.ts';
import type { RegoObject, Value } from './value/value.ts';

/** The package that holds the rules for requests. */
const PACKAGE = 'agent_policy';
/** A rule that lets pass what the policy refuses, for finding out what it refuses. */
const ALLOW_FAILURES = 'AllowRequestsFailingPolicy';

/** What a policy says to a request. */
export type Verdict =
  | { readonly kind: 'allowed' }
  /** `reason` is for the caller: what the policy printed. */
  | { readonly kind: 'denied'; readonly reason: string }
  /** The policy gave no answer; nothing is allowed then. */
  | { readonly kind: 'failed'; readonly reason: string };

export interface Decision {
  readonly verdict: Verdict;
  /** What the policy printed, made into text when called. */
  readonly prints: () => readonly string[];
  /** The policy refuses the request, but also says that refusals do not count. */
  readonly isForced: boolean;
}

/** The policy of an agent: rules, and the state that they build up from request to request. */
export class AgentPolicy {
  readonly #policy: Policy;
  readonly #allowsFailures: boolean;
  /** The documents under `data`; rules change them by the patches they give along with an answer. */
  #data: RegoObject = objectOf([['pstate', EMPTY_OBJECT]]);

  /** Throws PolicyTextError or EvaluationError for a text that cannot be used. */
  constructor(file: string, text: string) {
    this.#policy = Policy.parse(file, text);
    const name = this.#policy.packagePath.join('.');
    if (name !== PACKAGE)
      throw new PolicyTextError(file, { line: 1, column: 1 }, `the package is ${name}, it must be ${PACKAGE}`);
    this.#allowsFailures = this.#readAllowFailures();
  }

  /** True for a policy that lets everything pass (it is being written). */
  get allowsFailures(): boolean {
    return this.#allowsFailures;
  }

  /** Asks the rule; when it allows, its changes of the state are made, all or none. Never throws but for want of memory. */
  decide(rule: string, makeInput: () => Value): Decision {
    let result: QueryResult;
    try {
      result = this.#policy.query(rule, makeInput, this.#data);
    } catch (error) {
      return { verdict: { kind: 'failed', reason: describeError(error) }, prints: () => [], isForced: false };
    }
    const { prints } = result;
    const lines = (): readonly string[] => prints.map((print) => printText(this.#policy.file, print));
    let verdict: Verdict;
    try {
      verdict = this.#judge(rule, result);
    } catch (error) {
      verdict = { kind: 'failed', reason: describeError(error) };
    }
    const isForced =
      this.#allowsFailures && (verdict.kind === 'denied' || (verdict.kind === 'failed' && result.value === undefined));
    return { verdict: isForced ? { kind: 'allowed' } : verdict, prints: lines, isForced };
  }

  #judge(rule: string, { value, prints }: QueryResult): Verdict {
    if (value === undefined) return { kind: 'failed', reason: `the policy has no answer for ${rule}` };
    if (typeof value === 'boolean') return value ? { kind: 'allowed' } : this.#denied(prints);
    if (!isObject(value)) return { kind: 'failed', reason: `the policy's answer is neither a boolean nor an object` };
    const allowed = value.get('allowed');
    const ops = value.get('ops') ?? null;
    if (typeof allowed !== 'boolean') return { kind: 'failed', reason: `the policy's answer has no boolean "allowed"` };
    if (ops !== null && !isArray(ops)) return { kind: 'failed', reason: `"ops" of the policy's answer is not a list` };
    if (!allowed) return this.#denied(prints);
    return ops === null ? { kind: 'allowed' } : this.#change(ops);
  }

  #denied(prints: QueryResult['prints']): Verdict {
    return { kind: 'denied', reason: joinPrints(this.#policy.file, prints, MAX_PRINT_TEXT) };
  }

  #change(ops: readonly Value[]): Verdict {
    const patched = applyPatch(this.#data, ops);
    if (typeof patched === 'string') return { kind: 'failed', reason: `the policy's state: ${patched}` };
    const { document } = patched;
    if (!isObject(document)) return { kind: 'failed', reason: `the policy's state is not an object any more` };
    // A host that may add to the state must not fill the guest with it.
    if (canonicalText(document).length > MAX_STATE_SIZE)
      throw new EvaluationError(`the policy's state is larger than ${MAX_STATE_SIZE}`);
    this.#data = document;
    return { kind: 'allowed' };
  }

  #readAllowFailures(): boolean {
    try {
      const { value } = this.#policy.query(ALLOW_FAILURES, () => EMPTY_OBJECT, this.#data);
      return value === true || (value !== undefined && isObject(value) && value.get('allowed') === true);
    } catch {
      return false;
    }
  }
}
