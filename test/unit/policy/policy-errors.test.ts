import { describe, expect, it } from 'vitest';
import { MAX_NESTING } from '../../../agent/src/policy/limits.ts';
import { EvaluationError, PolicyTextError } from '../../../agent/src/policy/policy-error.ts';
import { Policy } from '../../../agent/src/policy/policy.ts';
import { EMPTY_OBJECT } from '../../../agent/src/policy/value/rego-object.ts';

const parse = (text: string): Policy => Policy.parse('p.rego', text);
const run = (rules: string): unknown => parse(`package p\n${rules}`).query('r', () => EMPTY_OBJECT, EMPTY_OBJECT).value;

describe('a text that is no policy is refused with its place', () => {
  it.each([
    ['', '1:1', 'package'],
    ['package', '1:8', 'the policy ends'],
    ['package p\nr := ', '2:6', 'the policy ends'],
    ['package p\nr := "a', '2:6', 'does not end'],
    ['package p\nr := "\\q"', '2:6', 'bad escape'],
    ['package p\nr := 01', '2:7', 'not a number'],
    ['package p\nr if { }', '2:9', 'the body is empty'],
    ['package p\nr if { true false }', '2:13', 'a new line'],
    ['package p\nr', '2:2', 'needs a value or a body'],
    ['package p\nr := 1 s := 2', '2:8', 'a new line expected'],
    ['package p\nr := x', '2:6', 'x is unsafe'],
    ['package p\nr if { x == 1 }', '2:8', 'x is unsafe'],
    ['package p\nr if { not input.x[_] }', '2:12', '_ is unsafe'],
    ['package p\nr := nope(1)', '2:6', 'nope is not known'],
    ['package p\nr := http.send({})', '2:6', 'http.send is not known'],
    ['package p\nr := count(1, 2)', '2:6', 'takes 1 arguments'],
    ['package p\nf(x) := x\nr := f', '3:6', 'is a function'],
    ['package p\nr := s\ns := r', '2:1', 'needs itself'],
    ['package p\nf(x) := f(x)', '2:1', 'needs itself'],
    ['package p\nr := 1\nr contains 2', '3:1', 'defined in two ways'],
    ['package p\nf(x) := 1\nf(x, y) := 2', '3:1', 'different arguments'],
    ['package p\ndefault r := 1\ndefault r := 2', '3:9', 'two defaults'],
    ['package p\ndefault r := input.x', '2:9', 'a constant'],
    ['package p\nr if { x := 1; x := 2 }', '2:8', 'declared twice'],
    ['package p\nr := {"a": 1, "a": 2}', '2:6', 'key twice'],
    ['package p\nr if { true with s as 1 }\ns := 1', '2:18', 'with replaces input or data'],
    ['package p\nimport http.x', '2:8', 'an import begins with'],
    ['package p\nr := $', '2:6', 'unexpected "$"'],
    ['package p\nr := data.p', '2:6', 'only be used by name'],
    ['package p\nr := "\ud800"', '1:1', 'not UTF-8'],
  ])('%j', (text, place, words) => {
    expect(() => parse(text)).toThrow(PolicyTextError);
    expect(() => parse(text)).toThrow(`p.rego:${place}: `);
    expect(() => parse(text)).toThrow(words);
  });

  it('that nests without end', () => {
    for (const open of ['[', '{', '(', 'f(', 'x[', '{"a":', '[x | '])
      expect(() => parse(`package p\nr := ${open.repeat(MAX_NESTING * 20)}`)).toThrow(PolicyTextError);
    expect(() => parse(`package p\nr if { ${'not '.repeat(5000)} true }`)).toThrow(PolicyTextError);
    expect(() => parse(`package p\nr := 1 if false ${'else := 1 if false '.repeat(5000)}`)).toThrow(PolicyTextError);
  });
});

describe('an evaluation ends with an error, not with the agent', () => {
  it.each([
    ['two values of a rule', 'r := 1\nr := 2', 'more than one value'],
    ['two values of a body', 'r := x if some x in [1, 2]', 'more than one value'],
    ['two values of a key', 'r[k] := v if { some v in [1, 2]; k := "a" }', 'more than one value'],
    ['two values in a comprehension', 'r := {"k": x | some x in [1, 2]}', 'two values for one key'],
    ['too many steps', 'n := numbers.range(1, 1000)\nr if { a := n[_]; b := n[_]; c := n[_]; a + b + c < 0 }', 'steps'],
    ['too much text', `a := "${'x'.repeat(1000)}"\nr := replace(replace(a, "x", a), "x", a)`, 'units of data'],
    ['too many elements', 'r := numbers.range(1, 100000000)', 'units of data'],
    ['a number without end', `r := x if { a := 1${'0'.repeat(300)}; b := a * a; x := b * b }`, 'too large'],
    ['a product of prints', 'n := numbers.range(1, 300)\nr if { print(n[_], n[_], n[_], n[_]) }', 'steps|units'],
    [
      'much comparing',
      `n := numbers.range(1, 100000)\nr if { every i in n { n == [x | some x in n] } }`,
      'steps|units',
    ],
  ])('%s', (_, rules, words) => {
    expect(() => run(rules)).toThrow(EvaluationError);
    expect(() => run(rules)).toThrow(new RegExp(words));
  });

  it('rules in a long chain', () => {
    const chain = Array.from({ length: 1000 }, (_, index) => `r${index} := r${index + 1}`).join('\n');
    expect(() => run(`${chain}\nr1000 := 1\nr := r0`)).toThrow('nest deeper');
  });
});
