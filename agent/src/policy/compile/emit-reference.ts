import { forEachEntry, lookup } from '../evaluate/lookup.ts';
import type { Eval } from '../evaluate/program.ts';
import type { RuleGroup } from '../evaluate/rule-group.ts';
import { isWildcard } from '../syntax/cursor.ts';
import type { Term } from '../syntax/ast.ts';
import type { Emitter } from './emitter.ts';
import { emitMatch } from './emit-match.ts';
import { isComputable } from './readiness.ts';

type Reference = Extract<Term, { kind: 'reference' }>;

interface Start {
  readonly base: Eval;
  readonly rest: readonly Term[];
}

/** The value of a variable or of the document that a name stands for. */
export function emitVariable(emitter: Emitter, term: Extract<Term, { kind: 'variable' }>): Eval {
  return startOf(emitter, { kind: 'reference', head: term, path: [], at: term.at }).base;
}

/** `head[a].b`: each index without a value goes through all elements. */
export function emitReference(emitter: Emitter, reference: Reference): Eval {
  const { base, rest } = startOf(emitter, reference);
  let current = base;
  let known: Eval[] = [];
  for (const step of rest) {
    if (isComputable(emitter, step)) {
      known.push(emitter.language.value(emitter, step));
    } else {
      current = emitWalk(emitter, follow(current, known), step);
      known = [];
    }
  }
  return follow(current, known);
}

function follow(base: Eval, path: readonly Eval[]): Eval {
  if (path.length === 0) return base;
  return (frame, context) => {
    let value = base(frame, context);
    for (const step of path) {
      if (value === undefined) return undefined;
      const key = step(frame, context);
      if (key === undefined) return undefined;
      value = lookup(value, key);
    }
    return value;
  };
}

function emitWalk(emitter: Emitter, collection: Eval, index: Term): Eval {
  const keySlot = emitter.unboundSlot(index);
  const itemSlot = emitter.temporary();
  const slot = keySlot ?? emitter.temporary();
  emitter.bound.add(slot);
  emitter.each((frame, context, next) =>
    forEachEntry(collection(frame, context), (key, item) => {
      frame[slot] = key;
      frame[itemSlot] = item;
      return next();
    }),
  );
  if (keySlot === undefined) emitMatch(emitter, index, (frame) => frame[slot]);
  return (frame) => frame[itemSlot];
}

function startOf(emitter: Emitter, reference: Reference): Start {
  const { head, path, at } = reference;
  if (head.kind !== 'variable') return { base: emitter.language.value(emitter, head), rest: path };
  const slot = emitter.scope.find(head.name);
  if (slot !== undefined) {
    if (!emitter.bound.has(slot))
      emitter.fail(head.at, `variable ${shown(head.name)} is unsafe: nothing gives it a value`);
    return { base: (frame) => frame[slot], rest: path };
  }
  const global = emitter.names.find(head.name);
  switch (global?.kind) {
    case 'input':
      return { base: (_frame, context) => context.input, rest: path };
    case 'data':
      return startOfData(emitter, reference);
    case 'rule':
      return { base: ruleValue(emitter, global.group, head), rest: path };
    case 'import': {
      const { target } = global;
      return startOf(
        emitter,
        target.kind === 'reference'
          ? { kind: 'reference', head: target.head, path: [...target.path, ...path], at }
          : { kind: 'reference', head: target, path, at },
      );
    }
    case undefined:
      return emitter.fail(head.at, `${shown(head.name)} is not known`);
  }
}

function shown(name: string): string {
  return isWildcard(name) ? '_' : name;
}

function ruleValue(emitter: Emitter, group: RuleGroup, term: Term): Eval {
  if (group.kind === 'function') emitter.fail(term.at, `${group.name} is a function and needs arguments`);
  emitter.names.uses(group);
  return (_frame, context) => group.value(context);
}

/** `data.<package>.<rule>` is the rule; everything else is looked up in the documents, where a policy's state is. */
function startOfData(emitter: Emitter, reference: Reference): Start {
  const { packagePath } = emitter.names;
  const { path, at } = reference;
  const isOwn = packagePath.every((name, index) => {
    const step = path[index];
    return step?.kind === 'constant' && step.value === name;
  });
  if (isOwn) {
    const step = path[packagePath.length];
    if (step?.kind !== 'constant' || typeof step.value !== 'string')
      return emitter.fail(at, `the rules of package ${packagePath.join('.')} can only be used by name`);
    const global = emitter.names.find(step.value);
    if (global?.kind === 'rule')
      return { base: ruleValue(emitter, global.group, step), rest: path.slice(packagePath.length + 1) };
  }
  return { base: (_frame, context) => context.data, rest: path };
}
