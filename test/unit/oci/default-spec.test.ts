import { describe, expect, it } from 'vitest';
import { defaultSpecJson } from '../../../agent/src/oci/default-spec.ts';
import { featuresJson } from '../../../agent/src/oci/features.ts';
import { specFromJson } from '../../../agent/src/oci/from-json/spec-from-json.ts';
import { bundleRules } from '../../../agent/src/oci/spec-rules.ts';
import { validateSpec } from '../../../agent/src/oci/validate.ts';

interface Document {
  readonly linux: {
    readonly namespaces: readonly { readonly type: string }[];
    readonly uidMappings?: unknown;
    readonly resources?: unknown;
  };
  readonly mounts: readonly { readonly destination: string; readonly type: string; readonly options?: string[] }[];
}

const parse = (text: string): Document => JSON.parse(text) as Document;
const types = (document: Document): readonly string[] => document.linux.namespaces.map(({ type }) => type);

describe('defaultSpecJson()', () => {
  it('is a configuration that passes our own checks', () => {
    const { value } = specFromJson(defaultSpecJson({ hasCgroupNamespace: true }), { bundle: '/b' });
    expect(() => validateSpec(value, bundleRules)).not.toThrow();
  });

  it('isolates root from the network and the terminals of the machine', () => {
    const document = parse(defaultSpecJson());
    expect(types(document)).toEqual(['pid', 'network', 'ipc', 'uts', 'mount']);
    expect(document.mounts.find(({ destination }) => destination === '/dev/pts')?.options).toContain('gid=5');
    expect(document.linux.resources).toBeDefined();
  });

  it('maps one id for an ordinary user, and asks for nothing only root can give', () => {
    const document = parse(defaultSpecJson({ rootless: { uid: 1000, gid: 1001 }, hasCgroupNamespace: true }));
    expect(types(document)).toEqual(['pid', 'ipc', 'uts', 'mount', 'cgroup', 'user']);
    expect(document.linux).toMatchObject({
      uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
      gidMappings: [{ containerID: 0, hostID: 1001, size: 1 }],
    });
    expect(document.linux.resources).toBeUndefined();
    expect(document.mounts.find(({ destination }) => destination === '/sys')?.type).toBe('none');
    expect(document.mounts.find(({ destination }) => destination === '/dev/pts')?.options).not.toContain('gid=5');
  });
});

describe('featuresJson()', () => {
  const facts = {
    version: '1.0.0',
    mountOptions: ['ro', 'bind'],
    seccomp: {
      actions: ['SCMP_ACT_ALLOW'],
      operators: ['SCMP_CMP_EQ'],
      archs: ['SCMP_ARCH_X86_64'],
      knownFlags: ['SECCOMP_FILTER_FLAG_LOG'],
      supportedFlags: [],
    },
    hasAppArmor: true,
    hasSelinux: true,
    hasIntelRdt: false,
    hasIdMappedMounts: true,
    hasNetDevices: true,
  };

  it('names what the runtime recognizes, in order', () => {
    const document = JSON.parse(featuresJson(facts)) as Record<string, Record<string, unknown>>;
    expect(document).toMatchObject({ ociVersionMin: '1.0.0', mountOptions: ['bind', 'ro'] });
    expect(document['linux']).toMatchObject({
      namespaces: ['cgroup', 'ipc', 'mount', 'network', 'pid', 'time', 'user', 'uts'],
      cgroup: { v1: false, v2: true },
      seccomp: { enabled: true, archs: ['SCMP_ARCH_X86_64'], supportedFlags: [] },
      apparmor: { enabled: true },
      intelRdt: { enabled: false },
      mountExtensions: { idmap: { enabled: true } },
    });
    expect(document['linux']?.['capabilities']).toContain('CAP_CHECKPOINT_RESTORE');
  });

  it('names versions that the reader accepts', () => {
    const { ociVersionMin, ociVersionMax } = JSON.parse(featuresJson(facts)) as Record<string, string>;
    for (const version of [ociVersionMin, ociVersionMax])
      expect(specFromJson(defaultSpecJson().replace('1.2.1', version ?? ''), { bundle: '/b' }).value.version).toBe(
        version,
      );
  });
});
