import type { DotConfig } from './dot-config.ts';
import { evaluate, parseExpression, symbolsOf } from './expression.ts';
import type { Casualty } from './find-casualties.ts';
import type { SymbolDeclaration } from './kconfig-tree.ts';

/**
 * One line that says which request was lost and, where Kconfig tells, why: the symbol does not exist, a dependency
 * is not met (with the values of the symbols in it), or nothing but another symbol can set it.
 */
export function explainCasualty(
  casualty: Casualty,
  declarations: ReadonlyMap<string, readonly SymbolDeclaration[]>,
  result: DotConfig,
): string {
  const { request, actual } = casualty;
  const lost = `CONFIG_${request.name}: ${request.fragment}.config:${request.line} asks for ${request.value}, got ${actual}`;
  return `${lost} (${reason(casualty, declarations.get(request.name) ?? [], result)})`;
}

function reason(casualty: Casualty, places: readonly SymbolDeclaration[], result: DotConfig): string {
  if (places.length === 0) return 'this kernel has no such symbol';
  if (casualty.request.value === 'n') return 'another symbol selects it, or it cannot be switched off';
  const unmet = places.map((place) => place.conditions.filter((condition) => fails(condition, result)));
  if (unmet.every((conditions) => conditions.length > 0)) {
    return [...new Set(unmet.flat())].map((condition) => describe(condition, result)).join('; ');
  }
  if (!places.some((place) => place.hasPrompt)) return 'it has no prompt: only another symbol can select it';
  const hidden = places
    .map((place) => place.promptCondition)
    .find((condition) => condition && fails(condition, result));
  if (hidden) return `its prompt is hidden: ${describe(hidden, result)}`;
  return `see ${places.map((place) => place.place).join(', ')}`;
}

function fails(condition: string, result: DotConfig): boolean {
  const expression = parseExpression(condition);
  return expression !== undefined && !evaluate(expression, (symbol) => result.get(symbol));
}

function describe(condition: string, result: DotConfig): string {
  const expression = parseExpression(condition);
  const values = expression ? symbolsOf(expression).map((symbol) => `${symbol}=${result.get(symbol) ?? 'n'}`) : [];
  return `needs ${condition}${values.length > 0 ? `, but ${values.join(', ')}` : ''}`;
}
