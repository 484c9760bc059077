/**
 * What one evaluation may cost. Counted here, in one place for the whole module, because everything pays: comparing values, text functions,
 * regular expressions. Evaluation is synchronous, so there is never more than one; handing a meter to each function would only cost time.
 */
import { MAX_CREATED, MAX_STEPS } from './limits.ts';
import { EvaluationError } from './policy-error.ts';

let stepsLeft = MAX_STEPS;
let createdLeft = MAX_CREATED;

/** Pays for work, some microseconds each on the engine. Throws EvaluationError when the evaluation has used up its share. */
export function spend(steps: number): void {
  stepsLeft -= steps;
  if (stepsLeft < 0) throw new EvaluationError(`the policy needs more than ${MAX_STEPS} steps`);
}

/** Pays for units of text or elements of a collection that are made. */
export function spendCreated(size: number): void {
  createdLeft -= size;
  stepsLeft -= size >> 6;
  if (createdLeft < 0) throw new EvaluationError(`the policy creates more than ${MAX_CREATED} units of data`);
}

/** Pays for looking at a text, which the engine does some hundred units a microsecond. */
export function spendText(length: number): void {
  spend(1 + (length >> 7));
}

/** Fills up for the next evaluation. */
export function refuel(): void {
  stepsLeft = MAX_STEPS;
  createdLeft = MAX_CREATED;
}

/** Steps since `refuel`. */
export function stepsUsed(): number {
  return MAX_STEPS - stepsLeft;
}
