import { describe, expect, it } from 'vitest';
import { Policy } from '../../../agent/src/policy/policy.ts';
import { EMPTY_OBJECT } from '../../../agent/src/policy/value/rego-object.ts';
import { toJsonText } from '../../../agent/src/policy/value/to-text.ts';
import { builtinCases } from './builtin-cases.ts';

describe('functions of the language', () => {
  it.each(builtinCases)('%s', (expression, expected) => {
    const policy = Policy.parse('p.rego', `package p\nr := ${expression}`);
    const { value } = policy.query('r', () => EMPTY_OBJECT, EMPTY_OBJECT);
    expect(value === undefined ? undefined : (JSON.parse(toJsonText(value)) as unknown)).toEqual(expected);
  });
});
