/** Rules of the SPDX 2.3 and CycloneDX 1.6 JSON schemas that concern what we write: required members, forms, references. */

type Json = Record<string, unknown>;

function record(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(record) : [];
}

class Faults {
  readonly found: string[] = [];

  expect(place: string, condition: boolean): void {
    if (!condition) this.found.push(place);
  }

  form(place: string, value: unknown, form: RegExp): void {
    this.expect(`${place}: ${JSON.stringify(value)}`, typeof value === 'string' && form.test(value));
  }

  onlyKeys(place: string, value: Json, keys: readonly string[]): void {
    for (const key of Object.keys(value)) this.expect(`${place}: unknown member ${key}`, keys.includes(key));
  }
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const SHA256 = /^[0-9a-f]{64}$/;
const ANY = /\S/;

/** What is wrong with an SPDX document; empty when nothing is. */
export function spdxFaults(value: unknown): string[] {
  const faults = new Faults();
  const root = record(value);
  faults.onlyKeys('document', root, [
    ...['spdxVersion', 'dataLicense', 'SPDXID', 'name', 'documentNamespace', 'creationInfo'],
    ...['packages', 'relationships'],
  ]);
  faults.form('spdxVersion', root.spdxVersion, /^SPDX-2\.3$/);
  faults.form('dataLicense', root.dataLicense, /^CC0-1\.0$/);
  faults.form('SPDXID', root.SPDXID, /^SPDXRef-DOCUMENT$/);
  faults.form('name', root.name, ANY);
  faults.form('documentNamespace', root.documentNamespace, /^[a-z]+:[^\s#]+$/);
  faults.form('created', record(root.creationInfo).created, TIME);
  const creators = record(root.creationInfo).creators;
  faults.expect('creators', Array.isArray(creators) && creators.length > 0);
  for (const creator of Array.isArray(creators) ? (creators as unknown[]) : [])
    faults.form('creator', creator, /^(Tool|Organization|Person): \S/);
  const identifiers = new Set(['SPDXRef-DOCUMENT']);
  for (const item of list(root.packages)) {
    faults.form('SPDXID', item.SPDXID, /^SPDXRef-[A-Za-z0-9.-]+$/);
    faults.expect(`${String(item.SPDXID)} twice`, !identifiers.has(String(item.SPDXID)));
    identifiers.add(String(item.SPDXID));
    for (const key of ['name', 'downloadLocation', 'copyrightText']) faults.form(key, item[key], ANY);
    faults.expect('filesAnalyzed', item.filesAnalyzed === false);
    if (item.supplier !== undefined)
      faults.form('supplier', item.supplier, /^(NOASSERTION|(Organization|Person): \S.*)$/);
    for (const key of ['licenseConcluded', 'licenseDeclared'])
      faults.form(key, item[key], /^(NOASSERTION|NONE|[A-Za-z0-9.+()-]+( (AND|OR|WITH) [A-Za-z0-9.+()-]+)*)$/);
    for (const { algorithm, checksumValue } of list(item.checksums)) {
      faults.form('algorithm', algorithm, /^SHA256$/);
      faults.form('checksumValue', checksumValue, SHA256);
    }
    for (const reference of list(item.externalRefs)) {
      faults.form('referenceCategory', reference.referenceCategory, /^PACKAGE-MANAGER$/);
      faults.form('referenceType', reference.referenceType, /^purl$/);
      faults.form('referenceLocator', reference.referenceLocator, /^pkg:[a-z]+\/\S+$/);
    }
    faults.form('purpose', item.primaryPackagePurpose, /^(APPLICATION|LIBRARY|OPERATING-SYSTEM)$/);
  }
  const relationships = list(root.relationships);
  faults.expect(
    'the document describes something',
    relationships.some(({ relationshipType }) => relationshipType === 'DESCRIBES'),
  );
  for (const { spdxElementId, relatedSpdxElement, relationshipType } of relationships) {
    faults.form('relationshipType', relationshipType, /^(DESCRIBES|CONTAINS)$/);
    for (const end of [spdxElementId, relatedSpdxElement])
      faults.expect(`relationship with ${String(end)}`, identifiers.has(String(end)));
  }
  return faults.found;
}

/** What is wrong with a CycloneDX document; empty when nothing is. */
export function cyclonedxFaults(value: unknown): string[] {
  const faults = new Faults();
  const root = record(value);
  faults.onlyKeys('document', root, [
    ...['$schema', 'bomFormat', 'specVersion', 'serialNumber', 'version', 'metadata', 'components', 'dependencies'],
  ]);
  faults.form('bomFormat', root.bomFormat, /^CycloneDX$/);
  faults.form('specVersion', root.specVersion, /^1\.6$/);
  faults.form('serialNumber', root.serialNumber, /^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  faults.expect('version', root.version === 1);
  const metadata = record(root.metadata);
  faults.form('timestamp', metadata.timestamp, TIME);
  const references = new Set<string>();
  const parts = [record(metadata.component), ...list(root.components)];
  for (const item of parts) {
    faults.onlyKeys('component', item, [
      ...['type', 'bom-ref', 'supplier', 'name', 'version', 'hashes', 'licenses', 'purl'],
    ]);
    faults.form('type', item.type, /^(application|library|operating-system)$/);
    for (const key of ['name', 'version', 'bom-ref']) faults.form(key, item[key], ANY);
    faults.expect(`${String(item['bom-ref'])} twice`, !references.has(String(item['bom-ref'])));
    references.add(String(item['bom-ref']));
    for (const { alg, content } of list(item.hashes)) {
      faults.form('alg', alg, /^SHA-256$/);
      faults.form('content', content, SHA256);
    }
    const licenses = list(item.licenses);
    const withExpression = licenses.filter(({ expression }) => expression !== undefined);
    faults.expect('an expression stands alone', withExpression.length === 0 || licenses.length === 1);
    for (const { license, expression } of licenses) {
      const { id, name } = record(license);
      faults.expect(
        'one of id, name, expression',
        [id, name, expression].filter((part) => part !== undefined).length === 1,
      );
    }
    if (item.purl !== undefined) faults.form('purl', item.purl, /^pkg:[a-z]+\/\S+$/);
  }
  for (const { ref, dependsOn } of list(root.dependencies))
    for (const end of [ref, ...(Array.isArray(dependsOn) ? (dependsOn as unknown[]) : [])])
      faults.expect(`dependency on ${String(end)}`, references.has(String(end)));
  return faults.found;
}
