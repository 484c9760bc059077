import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { OSBUILDER_PATH, osbuilderYaml } from '../../../../rootfs-builder/src/summary/osbuilder-yaml.ts';

describe('osbuilderYaml()', () => {
  it('has the format version 0.0.2 with all its keys', () => {
    expect(OSBUILDER_PATH).toBe('var/lib/osbuilder/osbuilder.yaml');
    const text = osbuilderYaml({
      version: '0.1.0',
      sourceDateEpoch: 1_700_000_000,
      architecture: 'x86_64',
      distribution: { name: 'debian', version: '12' },
      packages: { default: ['zlib1g', 'bash', 'bash'], extra: [] },
      agent: { name: 'kata-agent', isInit: true },
    });
    expect(text.split('\n')).toEqual([
      '---',
      'osbuilder:',
      '  url: "https://github.com/kata-containers/kata-containers/tools/osbuilder"',
      '  version: "0.1.0"',
      'rootfs-creation-time: "2023-11-14T22:13:20.000000000+0000Z"',
      'description: "osbuilder rootfs"',
      'file-format-version: "0.0.2"',
      'architecture: "x86_64"',
      'base-distro:',
      '  name: "debian"',
      '  version: "12"',
      '  packages:',
      '    default:',
      '      - "bash"',
      '      - "zlib1g"',
      '    extra:',
      'agent:',
      '  url: "https://github.com/kata-containers/kata-containers"',
      '  name: "kata-agent"',
      '  version: "unknown"',
      '  agent-is-init-daemon: "yes"',
      '',
    ]);
  });

  it('quotes what could be taken for YAML', () => {
    const text = osbuilderYaml({
      sourceDateEpoch: 0,
      architecture: 'x"y',
      distribution: { name: 'a: b\n- c', version: '' },
      packages: { default: [], extra: ['#x'] },
      agent: { name: 'n', isInit: false },
    });
    expect(text).toContain('architecture: "x\\"y"\n');
    expect(text).toContain('  name: "a: b\\n- c"\n');
    expect(text).toContain('      - "#x"\n');
    expect(text).toContain('  version: "unknown"\n');
    expect(text).toContain('agent-is-init-daemon: "no"');
  });

  it('is read by another program as it was meant, whatever the names', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 20 });
    fc.assert(
      fc.property(text, text, fc.array(text, { maxLength: 5 }), fc.nat(0xffff_ffff), (name, version, extra, time) => {
        const yaml = osbuilderYaml({
          sourceDateEpoch: time,
          architecture: 'x86_64',
          distribution: { name, version },
          packages: { default: [], extra },
          agent: { name: 'kata-agent', isInit: false },
        });
        const read = parse(yaml) as Record<string, Record<string, unknown>>;
        expect(read['file-format-version']).toBe('0.0.2');
        expect(read['base-distro']).toEqual({
          name,
          version,
          packages: { default: null, extra: extra.length === 0 ? null : [...new Set(extra)].sort() },
        });
        expect(read['agent']?.['agent-is-init-daemon']).toBe('no');
      }),
    );
  });
});
