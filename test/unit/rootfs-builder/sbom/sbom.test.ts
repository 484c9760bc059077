import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLicenseExpression, sortedComponents } from '../../../../rootfs-builder/src/sbom/component.ts';
import type { Component } from '../../../../rootfs-builder/src/sbom/component.ts';
import { cyclonedxDocument } from '../../../../rootfs-builder/src/sbom/cyclonedx.ts';
import { npmComponents } from '../../../../rootfs-builder/src/sbom/npm-components.ts';
import { ownComponents } from '../../../../rootfs-builder/src/sbom/own-components.ts';
import { spdxDocument } from '../../../../rootfs-builder/src/sbom/spdx.ts';
import { cyclonedxFaults, spdxFaults } from './schema-rules.ts';

const components: Component[] = [
  {
    kind: 'library',
    name: 'libc6',
    version: '2.36-9+deb12u14',
    architecture: 'amd64',
    license: 'LGPL-2.1-or-later AND GPL-2.0-only',
    supplier: 'Debian',
    purl: 'pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64',
  },
  { kind: 'library', name: 'bash', version: '5.2', license: 'as in /usr/share/doc/bash/copyright' },
  { kind: 'application', name: 'kihon-agent', version: '0.1.0', license: 'Apache-2.0', sha256: 'c'.repeat(64) },
];
const subject = {
  name: 'guest.img',
  sha256: 'd'.repeat(64),
  architecture: 'x86_64',
  sourceDateEpoch: 1_700_000_000,
  components,
  builderVersion: '0.1.0',
};

describe('bills of materials', () => {
  it('hold to the rules of their schemas', () => {
    expect(spdxFaults(spdxDocument(subject))).toEqual([]);
    expect(cyclonedxFaults(cyclonedxDocument(subject))).toEqual([]);
  });

  it('hold to them whatever packages say', () => {
    const text = fc.string({ minLength: 1, maxLength: 12 }).map((part) => `x${part}`);
    const component: fc.Arbitrary<Component> = fc.record(
      {
        kind: fc.constantFrom('application' as const, 'library' as const, 'operating-system' as const),
        name: text,
        version: text,
        license: fc.oneof(text, fc.constantFrom('MIT', '(MIT OR Apache-2.0) AND ISC')),
        supplier: fc.constantFrom('Debian', 'A <a@b.c>'),
      },
      { requiredKeys: ['kind', 'name', 'version'] },
    );
    fc.assert(
      fc.property(fc.array(component, { maxLength: 8 }), (items) => {
        expect(spdxFaults(spdxDocument({ ...subject, components: items }))).toEqual([]);
        expect(cyclonedxFaults(cyclonedxDocument({ ...subject, components: items }))).toEqual([]);
      }),
    );
  });

  it('do not depend on the order in which components were found, and list each once', () => {
    const other = { ...subject, components: [...components, ...components].reverse() };
    expect(spdxDocument(other)).toEqual(spdxDocument(subject));
    expect(cyclonedxDocument(other)).toEqual(cyclonedxDocument(subject));
    expect(sortedComponents(other.components).map(({ name }) => name)).toEqual(['bash', 'kihon-agent', 'libc6']);
  });

  it('belong to one image: another digest gives other identifiers', () => {
    const other = { ...subject, sha256: 'e'.repeat(64) };
    expect(spdxDocument(other)).not.toMatchObject({
      documentNamespace: (spdxDocument(subject) as { documentNamespace: string }).documentNamespace,
    });
    expect(cyclonedxDocument(other)).not.toMatchObject({
      serialNumber: (cyclonedxDocument(subject) as { serialNumber: string }).serialNumber,
    });
  });

  it('have rules that notice a document without required members, and a reference to nothing', () => {
    expect(spdxFaults({})).not.toEqual([]);
    expect(cyclonedxFaults({})).not.toEqual([]);
    const spdx = structuredClone(spdxDocument(subject)) as { packages: unknown[] };
    spdx.packages.pop();
    expect(spdxFaults(spdx).join()).toMatch(/relationship with SPDXRef-Package/);
    const cyclonedx = structuredClone(cyclonedxDocument(subject)) as { components: unknown[] };
    cyclonedx.components.pop();
    expect(cyclonedxFaults(cyclonedx).join()).toMatch(/dependency on/);
  });
});

describe('licences', () => {
  it.each([
    ['MIT', true],
    ['GPL-2.0-only WITH Linux-syscall-note', true],
    ['(MIT OR Apache-2.0) AND BSD-3-Clause', true],
    ['GPL-2+', false],
    ['MIT AND', false],
    ['(MIT', false],
    ['MIT MIT', false],
    ['', false],
    ['custom', false],
  ])('%j is an expression: %s', (text, expected) => expect(isLicenseExpression(text)).toBe(expected));
});

describe('npmComponents()', () => {
  const lock = JSON.stringify({
    lockfileVersion: 3,
    packages: { 'node_modules/a': { version: '1.2.3', license: 'MIT' }, 'node_modules/@s/b': { version: '4.0.0' } },
  });

  it('says version, licence and address of what is linked in', () => {
    expect(npmComponents(lock, ['a', '@s/b'])).toEqual([
      { kind: 'library', name: 'a', version: '1.2.3', license: 'MIT', purl: 'pkg:npm/a@1.2.3' },
      { kind: 'library', name: '@s/b', version: '4.0.0', purl: 'pkg:npm/%40s/b@4.0.0' },
    ]);
  });

  it.each([
    ['{', 'no JSON'],
    ['[]', 'no list of packages'],
    [lock, 'c is not in it'],
  ])('refuses %j', (text, message) => expect(() => npmComponents(text, ['c'])).toThrow(message));
});

describe('ownComponents()', () => {
  it('names the agent, its engine and its npm packages, and the kernel', async () => {
    const kernel = { path: import.meta.filename, version: '6.12.0' };
    const names = (await ownComponents({ agent: import.meta.filename, kernel })).map(({ name }) => name);
    expect(names).toEqual(['kihon-agent', 'quickjs-ng', 'smol-toml', 'linux']);
    await expect(ownComponents({ agent: '/does/not/exist' })).rejects.toThrow('read /does/not/exist: ENOENT');
  });
});
