import { describe, expect, it } from 'vitest';
import { Policy } from '../../../agent/src/policy/policy.ts';
import { fromJson } from '../../../agent/src/policy/value/from-json.ts';
import { EMPTY_OBJECT, objectOf } from '../../../agent/src/policy/value/rego-object.ts';
import { toTermText } from '../../../agent/src/policy/value/to-text.ts';

const input = { x: [1, 2], name: 'web', nested: { 'a-b': { c: [10, 20] } }, flag: false, empty: [] };

/** The value of rule `r` as the language writes it. */
function valueOf(rules: string): string {
  const { value } = Policy.parse('p.rego', `package p\n${rules}`).query(
    'r',
    () => fromJson(input) ?? null,
    objectOf([['pstate', EMPTY_OBJECT]]),
  );
  return value === undefined ? 'undefined' : toTermText(value);
}

function table(cases: readonly (readonly [rules: string, value: string])[]): void {
  it.each(cases)('%s', (rules, value) => {
    expect(valueOf(rules)).toBe(value);
  });
}

describe('complete rules', () => {
  table([
    ['r := 1', '1'],
    ['default r := 1\nr := null', 'null'],
    ['r := object.get({"a": null}, "a", 1)', 'null'],
    ['r = 1', '1'],
    ['r if true', 'true'],
    ['r if { true }', 'true'],
    ['r { input.x[0] == 1 }', 'true'],
    ['r if false', 'undefined'],
    ['default r := 7\nr := 1 if false', '7'],
    ['default r := 7\nr := 1 if true', '1'],
    ['r := 1 if false\nr := 2 if true', '2'],
    ['r := x if { some x in [1, 2]; x > 1 }', '2'],
    ['r := "a" if { false } else := "b" if { input.flag } else := "c"', '"c"'],
    ['r := 1 if { false } else = 2 if { true }', '2'],
    ['r := data.p.s\ns := 3', '3'],
    ['import input.nested as n\nr := n["a-b"].c[1]', '20'],
    ['import future.keywords.in\nimport rego.v1\nr := 2 in input.x', 'true'],
    ['r { false } { true }', 'true'],
  ]);
});

describe('sets and objects of rules', () => {
  table([
    ['r contains x if some x in input.x', '{1, 2}'],
    ['r contains 1\nr contains 2', '{1, 2}'],
    ['r contains x if { some x in input.empty }', 'set()'],
    ['r[x] { x := input.x[_] }', '{1, 2}'],
    ['r[k] := v if some k, v in {"a": 1}', '{"a": 1}'],
    ['r[k].v := 1 if some k in ["a", "b"]', '{"a": {"v": 1}, "b": {"v": 1}}'],
    ['r.a.b := 1\nr.a.c := 2', '{"a": {"b": 1, "c": 2}}'],
    ['s contains x if some x in input.x\nr := [s[1], 2 in s, count(s)]', '[1, true, 2]'],
    ['s contains x if some x in input.x\nr if s[3]', 'undefined'],
  ]);
});

describe('functions', () => {
  table([
    ['f(x) := x + 1\nr := f(2)', '3'],
    ['f(x) = y if { y := x * 2 }\nr := f(f(2))', '8'],
    ['f(1) := "one"\nf(2) := "two"\nr := [f(1), f(2)]', '["one", "two"]'],
    ['f(1) := "one"\nr := f(3)', 'undefined'],
    ['f([a, b]) := a - b\nr := f([5, 3])', '2'],
    ['f(x) if x == 1\nf(x) if x == 2\nr := f(2)', 'true'],
    ['f(x) := "s" if { x < 3 } else := "l"\nr := [f(1), f(4)]', '["s", "l"]'],
    ['f() := 4\nr := f()', '4'],
    ['f(x) := null if x == 1\nf(x) := 2 if x == 2\nr := [f(1), f(2)]', '[null, 2]'],
    ['default f(_) := 0\nf(_) := null\nr := f(1)', 'null'],
    ['default f(_) := 0\nf(x) := x if x > 0\nr := [f(1), f(-1)]', '[1, 0]'],
    ['f(_, y) := y\nr := data.p.f(1, 2)', '2'],
    ['f(p) := p.a\np := 9\nr := f({"a": 1})', '1'],
  ]);
});

describe('references and iteration', () => {
  table([
    ['r := input.x[1]', '2'],
    ['r := input["x"][0]', '1'],
    ['r := input.x[5]', 'undefined'],
    ['r := input.x["0"]', 'undefined'],
    ['r := input.nope.deeper', 'undefined'],
    ['r := [i | some i; input.x[i] == 2]', '[1]'],
    ['r := [[i, v] | v := input.x[i]]', '[[0, 1], [1, 2]]'],
    ['r := {k | some k; input.nested[k]}', '{"a-b"}'],
    ['r := [y | y := input.nested[_].c[_]]', '[10, 20]'],
    ['i := 1\nr := input.x[i]', '2'],
    ['r := {"a": [1, 2]}["a"][1]', '2'],
  ]);
});

describe('statements', () => {
  table([
    ['r if { not input.nope }', 'true'],
    ['r if { not input.flag }', 'true'],
    ['r if { not input.name == "web" }', 'undefined'],
    ['r if { not 3 in input.x }', 'true'],
    ['r if { every x in input.x { x > 0 } }', 'true'],
    ['r if { every x in input.x { x > 1 } }', 'undefined'],
    ['r if { every i, x in input.x { x == i + 1 } }', 'true'],
    ['r if { every x in input.empty { false } }', 'true'],
    ['r if { every x in input.nope { true } }', 'undefined'],
    ['r := y if { y = x; x = 3 }', '3'],
    ['r := [a, b] if { [a, 1] = [7, b] }', '[7, 1]'],
    ['r := a if { {"k": a, "l": 2} = {"k": 1, "l": 2} }', '1'],
    ['r := a if { [a, _] := input.x }', '1'],
    ['r := k if { some k, 2 in input.x }', '1'],
    ['r := [a | some [a, _] in [[1, 2], [3, 4]]]', '[1, 3]'],
    ['r if { 0, 1 in input.x }', 'true'],
    ['r := y if { y := count(input.x) with input as {"x": [1, 2, 3]} }', '3'],
    ['s := count(input.x)\nr := [y, s] if { y := s with input.x as [1, 2, 3] }', '[3, 2]'],
    ['s := data.d.e\nr := x if { x := s with data.d.e as 5 }', '5'],
    ['r := y if { y := x + 1; x := 1 }', '2'],
    ['r if { input.x[_] == 2; input.name == "web" }', 'true'],
    ['r if { print("a", input.nope, input.x[_]) }', 'true'],
    ['r if { x := 1\n x == 1 }', 'true'],
  ]);
});

describe('comprehensions', () => {
  table([
    ['r := [x * 2 | some x in input.x]', '[2, 4]'],
    ['r := {x % 2 | some x in [1, 2, 3]}', '{0, 1}'],
    ['r := {v: k | some k, v in ["a", "b"]}', '{"a": 0, "b": 1}'],
    ['r := [x | x := input.x[_]; x > 1]', '[2]'],
    ['r := [[y | y := input.x[_]; y > x] | x := input.x[_]]', '[[2], []]'],
    ['r := a == b if { a := {x | x = input.x[_]}; b := {x | x = [2, 1][_]} }', 'true'],
    ['r := [x |\n  x := input.x[_];\n  x > 1\n]', '[2]'],
    ['r := [\n  {"a": x}\n  | x := input.x[_]\n]', '[{"a": 1}, {"a": 2}]'],
  ]);
});

describe('operators', () => {
  table([
    ['r := 1 + 2 * 3 - 4 / 2', '5'],
    ['r := (1 + 2) * 3', '9'],
    ['r := 7 % 3', '1'],
    ['r := 1 / 0', 'undefined'],
    ['r := 7 / 2', '3.5'],
    ['r := 9007199254740993 + 1', '9007199254740994'],
    ['r := 100000000000000000000 == 1e20', 'true'],
    ['r := -5 - -3', '-2'],
    ['r := {1, 2} | {3}', '{1, 2, 3}'],
    ['r := {1, 2} & {2, 3}', '{2}'],
    ['r := {1, 2} - {2}', '{1}'],
    ['r := [1 < 2, 2 <= 2, 3 > 4, 4 >= 4, 1 != 1]', '[true, true, false, true, false]'],
    ['r := [null < false, false < 0, 9 < "a", "a" < [], [] < {}, {} < set()]', '[true, true, true, true, true, true]'],
    ['r := 1 in {1, 2}', 'true'],
    ['r := "a" in {"k": "a"}', 'true'],
    ['r := {"a": 1} == {"a": 1.0}', 'true'],
    ['r := [1, 2] == [2, 1]', 'false'],
  ]);
});

describe('literals', () => {
  table([
    ['r := `raw\\n`', '"raw\\\\n"'],
    ['r := "\\u0041\\n\\""', '"A\\n\\""'],
    ['r := [1, 2,]', '[1, 2]'],
    ['r := {"a": 1,}', '{"a": 1}'],
    ['r := {1, 1, 2}', '{1, 2}'],
    ['r := set()', 'set()'],
    ['r := {}', '{}'],
    ['r := {[1]: 2, null: 3}', '{null: 3, [1]: 2}'],
    ['r := 1.50e2 # comment', '150'],
    ['# only\n\nr := null', 'null'],
  ]);
});
