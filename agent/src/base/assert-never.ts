/** Marks a `switch` as exhaustive: the compiler refuses the call while a variant is unhandled. */
export function assertNever(value: never): never {
  throw new Error(`unreachable variant: ${JSON.stringify(value)}`);
}
