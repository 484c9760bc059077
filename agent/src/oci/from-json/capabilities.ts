import { capabilityNumber } from '../capability-names.ts';
import { maxMapEntries } from '../proto-values.ts';
import type { CapabilitySets } from '../spec.ts';
import type { JsonObject } from './json-object.ts';
import { knownKeys } from './json-object.ts';
import { quote } from './json-place.ts';

const keys = knownKeys('bounding', 'effective', 'permitted', 'inheritable', 'ambient');

/**
 * One set. A name nobody knows cannot be granted: the specification asks for a warning, not a failure, so that a new engine's
 * list still starts on an older runtime (PRV-02: it never widens anything).
 */
function names(section: JsonObject, set: string): readonly string[] {
  const given = section.strings(set);
  if (given.length > maxMapEntries)
    throw section.error(set, `${given.length} names, at most ${maxMapEntries} are accepted`);
  const known = given.filter((name) => capabilityNumber(name) !== undefined);
  if (known.length < given.length) {
    const unknown = given.filter((name) => capabilityNumber(name) === undefined);
    section.warn(set, `unknown, so not granted: ${unknown.slice(0, 10).map(quote).join(', ')}`);
  }
  return [...new Set(known)];
}

/** `process.capabilities` (config.md, "Linux Process"); undefined when absent. */
export function capabilities(process: JsonObject): CapabilitySets | undefined {
  const section = process.object('capabilities', keys);
  if (section === undefined) return undefined;
  return {
    bounding: names(section, 'bounding'),
    effective: names(section, 'effective'),
    permitted: names(section, 'permitted'),
    inheritable: names(section, 'inheritable'),
    ambient: names(section, 'ambient'),
  };
}
