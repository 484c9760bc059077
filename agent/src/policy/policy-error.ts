/** A place in a policy's text; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A policy that cannot be used: wrong syntax, an unknown name, an unsafe variable, recursion. The message begins with the place. */
export class PolicyTextError extends Error {
  override readonly name = 'PolicyTextError';
  readonly position: Position;

  constructor(file: string, position: Position, reason: string) {
    super(`${file}:${position.line}:${position.column}: ${reason}`);
    this.position = position;
  }
}

/** An evaluation that gave no answer: two answers for one rule, or a bound that was reached. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError';
}
