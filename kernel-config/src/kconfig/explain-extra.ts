import type { MergedRequests } from '../fragment/merge-fragments.ts';
import type { DotConfig } from './dot-config.ts';
import { evaluate, parseExpression, symbolsOf } from './expression.ts';
import type { SymbolDeclaration, Switch } from './kconfig-tree.ts';

/** A symbol that is on and that no fragment asked for. */
export interface ExtraSymbol {
  readonly name: string;
  readonly value: string;
  /** Whether a fragment could set it: it has a prompt that is visible. The others only follow. */
  readonly isSettable: boolean;
  /** From the symbol to what was asked for; each step says why the one before it is on. */
  readonly chain: readonly Step[];
}

/** One step of a chain. */
export interface Step {
  readonly symbol: string;
  readonly why: 'select' | 'imply' | 'default' | 'choice' | 'request' | 'architecture' | 'unknown';
  /** Kconfig file and line, or fragment and line. */
  readonly place: string;
  /** The condition under which this holds, as Kconfig has it. */
  readonly condition?: string;
}

type Declarations = ReadonlyMap<string, readonly SymbolDeclaration[]>;

/** No kernel has longer chains of `select`; a circle ends here too. */
const MAX_CHAIN = 12;

/**
 * Finds the symbols that are on without a request and says why: the shortest way along `select` and `imply` from a requested
 * symbol, or the default that holds, or that the architecture has it whatever is asked (`baseline`: the configuration without
 * any request).
 */
export function findExtras(
  requests: MergedRequests,
  result: DotConfig,
  baseline: DotConfig,
  declarations: Declarations,
): ExtraSymbol[] {
  const selectors = reverseSwitches(declarations);
  const extras: ExtraSymbol[] = [];
  for (const [name, value] of result) {
    if ((value !== 'y' && value !== 'm') || requests.has(name) || baseline.has(name)) continue;
    const isSettable = (declarations.get(name) ?? []).some(
      ({ hasPrompt, promptCondition }) => hasPrompt && holds(promptCondition, result),
    );
    extras.push({
      name,
      value,
      isSettable,
      chain: chainOf(name, { requests, result, baseline, declarations, selectors }),
    });
  }
  return extras.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A chain as one line: `A <- selected by B (mm/Kconfig:12) <- asked for in net.config:3`. */
export function formatChain(chain: readonly Step[]): string {
  return chain
    .map(({ symbol, why, place, condition }) => {
      const suffix = condition === undefined ? '' : ` if ${condition}`;
      switch (why) {
        case 'select':
          return `selected by ${symbol}${suffix} (${place})`;
        case 'imply':
          return `implied by ${symbol}${suffix} (${place})`;
        case 'default':
          return `on by default${suffix} (${place})`;
        case 'choice':
          return `the default of a choice (${place})`;
        case 'request':
          return `asked for in ${place}`;
        case 'architecture':
          return 'which the architecture always has';
        case 'unknown':
          return 'for a reason Kconfig computes';
      }
    })
    .join(' <- ');
}

interface Knowledge {
  readonly requests: MergedRequests;
  readonly result: DotConfig;
  readonly baseline: DotConfig;
  readonly declarations: Declarations;
  readonly selectors: ReadonlyMap<string, readonly Selector[]>;
}

interface Selector extends Switch {
  readonly from: string;
}

/** Breadth first, so that the shortest way to a request is told. */
function chainOf(name: string, knowledge: Knowledge): Step[] {
  const { requests, baseline } = knowledge;
  let paths: { at: string; steps: Step[] }[] = [{ at: name, steps: [] }];
  const seen = new Set([name]);
  let first: Step[] | undefined;
  for (let depth = 0; depth < MAX_CHAIN && paths.length > 0; depth++) {
    const next: { at: string; steps: Step[] }[] = [];
    for (const { at, steps } of paths) {
      for (const { from, kind, condition, place } of activeSelectors(at, knowledge)) {
        if (seen.has(from)) continue;
        seen.add(from);
        const step: Step = { symbol: from, why: kind, place, ...(condition === undefined ? {} : { condition }) };
        const longer = [...steps, step];
        const request = requests.get(from);
        if (request && request.value !== 'n') {
          return [...longer, { symbol: from, why: 'request', place: `${request.fragment}.config:${request.line}` }];
        }
        first ??= endOf(from, longer, knowledge);
        next.push({ at: from, steps: longer });
      }
    }
    paths = next;
  }
  // A default that holds explains more than a selector which itself only follows from the architecture.
  const own = defaultStep(name, knowledge);
  if (own) return withRequest(own, knowledge);
  if (first) return first;
  return [{ symbol: name, why: baseline.has(name) ? 'architecture' : 'unknown', place: '' }];
}

/** How a chain ends at a symbol that nobody asked for. */
function endOf(name: string, steps: readonly Step[], knowledge: Knowledge): Step[] | undefined {
  if (knowledge.baseline.has(name)) return [...steps, { symbol: name, why: 'architecture', place: '' }];
  const own = defaultStep(name, knowledge);
  return own && [...steps, ...withRequest(own, knowledge)];
}

/** After a default: the first requested symbol among those its condition and its dependencies name. */
function withRequest(step: Step, { requests, declarations }: Knowledge): Step[] {
  const expressions = [
    ...(step.condition === undefined ? [] : [step.condition]),
    ...(declarations.get(step.symbol) ?? []).flatMap(({ conditions }) => [...conditions].reverse()),
  ];
  for (const text of expressions) {
    const expression = parseExpression(text);
    for (const symbol of expression ? symbolsOf(expression) : []) {
      const request = requests.get(symbol);
      if (!request || request.value === 'n') continue;
      return [step, { symbol, why: 'request', place: `${symbol} in ${request.fragment}.config:${request.line}` }];
    }
  }
  return [step];
}

function defaultStep(name: string, { declarations, result }: Knowledge): Step | undefined {
  for (const { place, conditions, defaults, isChoice } of declarations.get(name) ?? []) {
    if (!conditions.every((condition) => holds(condition, result))) continue;
    if (isChoice) return { symbol: name, why: 'choice', place };
    const chosen = defaults.find(({ condition }) => holds(condition, result));
    if (!chosen || chosen.value === 'n') continue;
    const condition = [chosen.value === 'y' ? undefined : chosen.value, chosen.condition]
      .filter((text) => text !== undefined)
      .join(' and ');
    return { symbol: name, why: 'default', place, ...(condition === '' ? {} : { condition }) };
  }
  return undefined;
}

function activeSelectors(name: string, { selectors, result }: Knowledge): Selector[] {
  return (selectors.get(name) ?? []).filter(
    ({ from, condition }) => ['y', 'm'].includes(result.get(from) ?? 'n') && holds(condition, result),
  );
}

/** What cannot be parsed is taken to hold: it costs precision, never a missing reason. */
function holds(condition: string | undefined, result: DotConfig): boolean {
  const expression = condition === undefined ? undefined : parseExpression(condition);
  return expression === undefined || evaluate(expression, (symbol) => result.get(symbol));
}

function reverseSwitches(declarations: Declarations): Map<string, Selector[]> {
  const reverse = new Map<string, Selector[]>();
  for (const [from, places] of declarations) {
    for (const { switchesOn } of places) {
      for (const each of switchesOn) {
        const list = reverse.get(each.target) ?? [];
        list.push({ ...each, from });
        reverse.set(each.target, list);
      }
    }
  }
  return reverse;
}
