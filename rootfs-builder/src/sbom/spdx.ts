import { createHash } from 'node:crypto';
import { isoTime } from '../oci/image.ts';
import { derivedUuid, uuidText } from '../tree/survey.ts';
import { componentKey, isLicenseExpression, sortedComponents } from './component.ts';
import type { Component, ImageSubject } from './component.ts';

const NO_ASSERTION = 'NOASSERTION';

/** A bill of materials in SPDX 2.3 (spdx.github.io/spdx-spec/v2.3), as a JSON value. */
export function spdxDocument(subject: ImageSubject): object {
  const { name, sha256, sourceDateEpoch, builderVersion } = subject;
  const components = sortedComponents(subject.components);
  const uuid = uuidText(derivedUuid(Buffer.from(sha256, 'hex'), 'spdx'));
  const image = {
    name,
    SPDXID: 'SPDXRef-Image',
    versionInfo: `sha256:${sha256}`,
    downloadLocation: NO_ASSERTION,
    filesAnalyzed: false,
    licenseConcluded: NO_ASSERTION,
    licenseDeclared: NO_ASSERTION,
    copyrightText: NO_ASSERTION,
    checksums: [{ algorithm: 'SHA256', checksumValue: sha256 }],
    primaryPackagePurpose: 'OPERATING-SYSTEM',
  };
  const relationship = (spdxElementId: string, relationshipType: string, relatedSpdxElement: string): object => ({
    spdxElementId,
    relationshipType,
    relatedSpdxElement,
  });
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name,
    documentNamespace: `https://spdx.org/spdxdocs/${encodeURIComponent(name)}-${uuid}`,
    creationInfo: { created: isoTime(sourceDateEpoch), creators: [`Tool: kihon-${builderVersion}`] },
    packages: [image, ...components.map(describe)],
    relationships: [
      relationship('SPDXRef-DOCUMENT', 'DESCRIBES', 'SPDXRef-Image'),
      ...components.map((component) => relationship('SPDXRef-Image', 'CONTAINS', identifierOf(component))),
    ],
  };
}

function describe(component: Component): object {
  const { name, version, license, supplier, purl, sha256, kind } = component;
  const isExpression = license !== undefined && isLicenseExpression(license);
  return {
    name,
    SPDXID: identifierOf(component),
    versionInfo: version,
    supplier: supplier === undefined ? NO_ASSERTION : `Organization: ${supplier}`,
    downloadLocation: NO_ASSERTION,
    filesAnalyzed: false,
    licenseConcluded: NO_ASSERTION,
    licenseDeclared: isExpression ? license : NO_ASSERTION,
    // What a package says in words that are no expression must not get lost.
    ...(license === undefined || isExpression ? {} : { licenseComments: license }),
    copyrightText: NO_ASSERTION,
    ...(sha256 === undefined ? {} : { checksums: [{ algorithm: 'SHA256', checksumValue: sha256 }] }),
    ...(purl === undefined
      ? {}
      : {
          externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }],
        }),
    primaryPackagePurpose: kind.toUpperCase(),
  };
}

/** Letters, digits, "." and "-" only; names with others could become the same, so a digest goes with each. */
function identifierOf(component: Component): string {
  const key = createHash('sha256').update(componentKey(component)).digest('hex').slice(0, 12);
  return `SPDXRef-Package-${component.name.replace(/[^A-Za-z0-9.-]/g, '-')}-${key}`;
}
