import { maxMapEntries } from '../proto-values.ts';
import type { CapabilitySets } from '../spec.ts';
import type { JsonObject } from './json-object.ts';
import { knownKeys } from './json-object.ts';

const keys = knownKeys('bounding', 'effective', 'permitted', 'inheritable', 'ambient');

function names(section: JsonObject, set: string): readonly string[] {
  const given = section.strings(set);
  if (given.length > maxMapEntries)
    throw section.error(set, `${given.length} names, at most ${maxMapEntries} are accepted`);
  const different = new Set(given);
  return different.size === given.length ? given : [...different];
}

/** `process.capabilities` (config.md, "Linux Process"), names as given; undefined when absent. */
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
