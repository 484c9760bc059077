import { spend } from '../fuel.ts';
import type { Value } from '../value/value.ts';
import type { Context } from './context.ts';

/** The variables of one rule that is being evaluated, by slot. A slot is only read where the compiler knows that it was written. */
export type Frame = (Value | undefined)[];

/** Computes a value; undefined where the language says "undefined". */
export type Eval = (frame: Frame, context: Context) => Value | undefined;

/** What follows a step. True ends the search for more solutions. */
export type Next = () => boolean;

/** One part of a body: a test (which may also write slots), or something that has several solutions and goes on after each. */
export type Step =
  | { readonly kind: 'test'; readonly test: (frame: Frame, context: Context) => boolean }
  | { readonly kind: 'each'; readonly each: (frame: Frame, context: Context, next: Next) => boolean };

/**
 * Goes through the steps and calls `done` for each solution until it returns true. Only steps with several solutions cost stack.
 * Returns whether the search was ended.
 */
export function runSteps(
  steps: readonly Step[],
  from: number,
  frame: Frame,
  context: Context,
  done: (frame: Frame, context: Context) => boolean,
): boolean {
  for (let index = from; index < steps.length; index++) {
    const step = steps[index] as Step;
    spend(1);
    if (step.kind === 'each') return step.each(frame, context, () => runSteps(steps, index + 1, frame, context, done));
    if (!step.test(frame, context)) return false;
  }
  return done(frame, context);
}

const yes = (): boolean => true;

/** Whether the steps have a solution; its variables are in the frame afterwards. */
export function hasSolution(steps: readonly Step[], frame: Frame, context: Context): boolean {
  return runSteps(steps, 0, frame, context, yes);
}
