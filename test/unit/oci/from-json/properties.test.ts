import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../../../../agent/src/base/errors.ts';
import {
  processFromJson,
  resourcesFromJson,
  specFromJson,
} from '../../../../agent/src/oci/from-json/spec-from-json.ts';
import type { Spec } from '../../../../agent/src/oci/spec.ts';
import { clusterConfig, minimalConfig, workstationConfig } from './fixtures.ts';
import { odd, places, replaced } from './mutated-document.ts';
import { processArbitrary, resourcesArbitrary, specArbitrary } from './spec-arbitrary.ts';
import { exactJson, processDocument, resourcesDocument, specDocument } from './spec-to-json.ts';

const facts = { bundle: '/b' };

/** What was read, or the error of our own that it ended with; anything else fails the test. */
function attempt(read: () => unknown): DomainError | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
}

describe('reading JSON', () => {
  it('gives back any spec that was written', () => {
    fc.assert(
      fc.property(specArbitrary, fc.constantFrom(undefined, 1), (spec: Spec, indent) => {
        expect(specFromJson(exactJson(specDocument(spec), indent), facts).value).toEqual(spec);
      }),
      { numRuns: 200 },
    );
  });

  it('gives back any process and any resources', () => {
    fc.assert(
      fc.property(processArbitrary, resourcesArbitrary, (process, resources) => {
        expect(processFromJson(exactJson(processDocument(process))).value).toEqual(process);
        expect(resourcesFromJson(exactJson(resourcesDocument(resources))).value).toEqual(resources);
      }),
      { numRuns: 200 },
    );
  });

  it('answers any JSON with a spec or one error of our own', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (text) => {
        expect(attempt(() => specFromJson(text, facts))).toBeInstanceOf(DomainError);
        attempt(() => processFromJson(text));
        attempt(() => resourcesFromJson(text));
      }),
    );
  });

  it('answers any text and any cut or changed document so', () => {
    const sample = JSON.stringify(clusterConfig());
    const change = fc.tuple(
      fc.nat({ max: sample.length }),
      fc.nat({ max: 20 }),
      fc.string({ unit: 'binary', maxLength: 4 }),
    );
    fc.assert(
      fc.property(change, ([at, length, by]) => {
        attempt(() => specFromJson(sample.slice(0, at) + by + sample.slice(at + length), facts));
      }),
      { numRuns: 1000 },
    );
  });

  it('names the place of the one thing that is wrong in a document', () => {
    for (const config of [minimalConfig(), clusterConfig(), workstationConfig()]) {
      const all = places(config);
      fc.assert(
        fc.property(fc.constantFrom(...all), odd, (path, by) => {
          const error = attempt(() => specFromJson(exactJson(replaced(config, path, by)), facts));
          if (error === undefined) return;
          const [first] = path;
          const named = first === undefined ? /./ : /^[a-zA-Z"[]/;
          expect(error.message).toMatch(named);
          // The section is right, whatever depth of it was hit.
          if (typeof first === 'string' && path.length > 1 && first !== 'org.example.unknown')
            expect(error.message.startsWith(first)).toBe(true);
        }),
        { numRuns: 400 },
      );
    }
  });
});
