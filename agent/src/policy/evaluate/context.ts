import { MAX_CALL_DEPTH, MAX_PRINTS } from '../limits.ts';
import { EvaluationError } from '../policy-error.ts';
import type { RegoObject, Value } from '../value/value.ts';

/** One `print`, its values as they were; the text is made only when somebody reads it. */
export interface Print {
  readonly line: number;
  readonly values: readonly (Value | undefined)[];
}

/** What a query is about: its documents, and what was found out on the way. */
export class Context {
  readonly prints: Print[] = [];
  readonly #makeInput: () => Value;
  #input: Value | undefined;
  #data: RegoObject;
  /** Values of rules without arguments, by the rule. */
  #known = new Map<object, Value | undefined>();
  #depth = 0;

  /** `makeInput` is called when a rule first looks at the input: most policies allow most requests without. */
  constructor(makeInput: () => Value, data: RegoObject) {
    this.#makeInput = makeInput;
    this.#data = data;
  }

  get input(): Value {
    return (this.#input ??= this.#makeInput());
  }

  get data(): RegoObject {
    return this.#data;
  }

  /** The value of a rule, computed once for a query. */
  once(rule: object, compute: () => Value | undefined): Value | undefined {
    const known = this.#known;
    if (known.has(rule)) return known.get(rule);
    const value = this.deeper(compute);
    known.set(rule, value);
    return value;
  }

  /** Runs a rule within another. */
  deeper<T>(run: () => T): T {
    if (++this.#depth > MAX_CALL_DEPTH) throw new EvaluationError(`rules nest deeper than ${MAX_CALL_DEPTH}`);
    const result = run();
    this.#depth--;
    return result;
  }

  /** Runs something with other documents, for `with`. */
  substitute<T>(input: Value, data: RegoObject, run: () => T): T {
    const saved = [this.#input, this.#data, this.#known] as const;
    this.#input = input;
    this.#data = data;
    this.#known = new Map();
    const result = run();
    [this.#input, this.#data, this.#known] = saved;
    return result;
  }

  print(line: number, values: readonly (Value | undefined)[]): void {
    if (this.prints.length < MAX_PRINTS) this.prints.push({ line, values });
  }
}
