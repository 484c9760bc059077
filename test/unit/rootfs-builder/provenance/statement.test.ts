import { describe, expect, it } from 'vitest';
import { provenanceStatement } from '../../../../rootfs-builder/src/provenance/statement.ts';

describe('provenanceStatement()', () => {
  const facts = {
    subjects: [
      { name: 'root_hash_base.txt', sha256: 'b'.repeat(64) },
      { name: 'guest.img', sha256: 'a'.repeat(64) },
    ],
    recipe: { base: 'debian', packages: ['bash'] },
    inputs: [
      { uri: 'recipe.toml', sha256: 'd'.repeat(64) },
      { uri: 'agent', sha256: 'c'.repeat(64) },
    ],
    tools: [{ name: 'e2fsprogs', version: '1.47.0' }],
    builderVersion: '0.1.0',
    sourceDateEpoch: 5,
  };

  it('says what was built from what, with what', () => {
    expect(provenanceStatement(facts)).toEqual({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [
        { name: 'guest.img', digest: { sha256: 'a'.repeat(64) } },
        { name: 'root_hash_base.txt', digest: { sha256: 'b'.repeat(64) } },
      ],
      predicateType: 'https://slsa.dev/provenance/v1',
      predicate: {
        buildDefinition: {
          buildType: 'urn:kihon:build:image:v1',
          externalParameters: { recipe: { base: 'debian', packages: ['bash'] } },
          internalParameters: { sourceDateEpoch: 5, tools: { e2fsprogs: '1.47.0' } },
          resolvedDependencies: [
            { uri: 'agent', digest: { sha256: 'c'.repeat(64) } },
            { uri: 'recipe.toml', digest: { sha256: 'd'.repeat(64) } },
          ],
        },
        runDetails: { builder: { id: 'urn:kihon:builder', version: { kihon: '0.1.0' } } },
      },
    });
  });

  it('does not depend on the order of what it is told', () => {
    const reversed = { ...facts, subjects: [...facts.subjects].reverse(), inputs: [...facts.inputs].reverse() };
    expect(JSON.stringify(provenanceStatement(reversed))).toBe(JSON.stringify(provenanceStatement(facts)));
  });
});
