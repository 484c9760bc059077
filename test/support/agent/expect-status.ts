import { expect } from 'vitest';
import { RpcError, type RpcCode } from '../../../host/client/rpc-error.ts';

/** Marks of a stack trace, which no caller wants to read. */
const STACK_TRACE = /\n\s+at |\.(ts|js):\d+/;

/**
 * Expects a call to be refused with `code` and a text that contains all of `words`; check C5: it is an explanation and
 * no stack trace. Returns the text.
 */
export async function expectStatus(
  call: Promise<unknown>,
  code: RpcCode | readonly RpcCode[],
  ...words: readonly (string | RegExp)[]
): Promise<string> {
  const outcome = await call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('value' in outcome) throw new Error(`expected ${String(code)}, but the call succeeded`);
  const { error } = outcome;
  if (!(error instanceof RpcError)) throw new Error('expected a status', { cause: error });
  const text = `${error.code}: ${error.detail}`;
  const codes = typeof code === 'string' ? [code] : code;
  expect(codes, text).toContain(error.code);
  for (const word of words) {
    if (typeof word === 'string') expect(text).toContain(word);
    else expect(text).toMatch(word);
  }
  expect(error.detail).not.toMatch(STACK_TRACE);
  return error.detail;
}
