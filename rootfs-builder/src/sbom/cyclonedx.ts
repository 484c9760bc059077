import { createHash } from 'node:crypto';
import { isoTime } from '../oci/image.ts';
import { derivedUuid, uuidText } from '../tree/survey.ts';
import { componentKey, isLicenseExpression, sortedComponents } from './component.ts';
import type { Component, ImageSubject } from './component.ts';

/** A bill of materials in CycloneDX 1.6 (cyclonedx.org/docs/1.6/json), as a JSON value. */
export function cyclonedxDocument(subject: ImageSubject): object {
  const { name, sha256, sourceDateEpoch, builderVersion } = subject;
  const components = sortedComponents(subject.components);
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidText(derivedUuid(Buffer.from(sha256, 'hex'), 'cyclonedx'))}`,
    version: 1,
    metadata: {
      timestamp: isoTime(sourceDateEpoch),
      tools: { components: [{ type: 'application', name: 'kihon', version: builderVersion }] },
      component: {
        type: 'operating-system',
        'bom-ref': 'image',
        name,
        version: `sha256:${sha256}`,
        hashes: [{ alg: 'SHA-256', content: sha256 }],
      },
    },
    components: components.map(describe),
    dependencies: [
      { ref: 'image', dependsOn: components.map(referenceOf) },
      ...components.map((component) => ({ ref: referenceOf(component) })),
    ],
  };
}

function describe(component: Component): object {
  const { name, version, license, supplier, purl, sha256, kind } = component;
  return {
    type: kind,
    'bom-ref': referenceOf(component),
    ...(supplier === undefined ? {} : { supplier: { name: supplier } }),
    name,
    version,
    ...(sha256 === undefined ? {} : { hashes: [{ alg: 'SHA-256', content: sha256 }] }),
    ...(license === undefined ? {} : { licenses: [licenseOf(license)] }),
    ...(purl === undefined ? {} : { purl }),
  };
}

/** One identifier, an expression of several, or the package's own words. */
function licenseOf(license: string): object {
  if (!isLicenseExpression(license)) return { license: { name: license } };
  return /[\s()+]/.test(license) ? { expression: license } : { license: { id: license } };
}

function referenceOf(component: Component): string {
  const key = createHash('sha256').update(componentKey(component)).digest('hex').slice(0, 12);
  return `${component.name}@${component.version}#${key}`;
}
