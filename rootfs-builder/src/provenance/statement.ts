import type { ToolVersion } from '../format/format.ts';

/** Something that went into a build. */
export interface BuildInput {
  /** A path as the recipe names it, or a URI. Nothing of the building host: no absolute path. */
  readonly uri: string;
  /** SHA-256 in hexadecimal. */
  readonly sha256: string;
}

/** What a provenance file says. */
export interface ProvenanceFacts {
  readonly subjects: readonly { readonly name: string; readonly sha256: string }[];
  /** The recipe as parsed, or what the command line said. Must be JSON. */
  readonly recipe: Readonly<Record<string, unknown>>;
  readonly inputs: readonly BuildInput[];
  readonly tools: readonly ToolVersion[];
  readonly builderVersion: string;
  readonly sourceDateEpoch: number;
}

/**
 * An in-toto statement with SLSA provenance (in-toto.io/Statement/v1, slsa.dev/provenance/v1), as a JSON value. Times of
 * the run are left out: they would make the file different each time, and SLSA does not ask for them.
 */
export function provenanceStatement(facts: ProvenanceFacts): object {
  const byName = <T extends { readonly name: string }>(items: readonly T[]): T[] =>
    [...items].sort((left, right) => (left.name < right.name ? -1 : 1));
  const inputs = [...facts.inputs].sort((left, right) => (left.uri < right.uri ? -1 : 1));
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: byName(facts.subjects).map(({ name, sha256 }) => ({ name, digest: { sha256 } })),
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: 'urn:kihon:build:image:v1',
        externalParameters: { recipe: facts.recipe },
        internalParameters: {
          sourceDateEpoch: facts.sourceDateEpoch,
          tools: Object.fromEntries(byName(facts.tools).map(({ name, version }) => [name, version])),
        },
        resolvedDependencies: inputs.map(({ uri, sha256 }) => ({ uri, digest: { sha256 } })),
      },
      runDetails: { builder: { id: 'urn:kihon:builder', version: { kihon: facts.builderVersion } } },
    },
  };
}
