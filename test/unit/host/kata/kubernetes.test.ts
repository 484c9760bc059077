import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { HYPERVISORS } from '../../../../host/kata/hypervisors.ts';
import { installerManifest } from '../../../../host/kata/kubernetes/installer.ts';
import { NODE_LABEL, runtimeClass } from '../../../../host/kata/kubernetes/runtime-class.ts';
import { yamlDocuments } from '../../../../host/kata/kubernetes/yaml.ts';
import { validateKubernetes, type KubernetesObject } from '../../../support/kubernetes/schema.ts';
import { repository } from '../../../support/repository.ts';

function read(text: string): KubernetesObject[] {
  return parseAllDocuments(text).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as KubernetesObject;
  });
}

const script = readFileSync(join(repository, 'host/kata/kubernetes/install-node.sh'), 'utf8');
const options = { image: 'registry.example/kihon:1', namespace: 'kihon-system', prefix: '/opt/kata', script };

test.each(HYPERVISORS)('the RuntimeClass for $title obeys the schema of Kubernetes', (hypervisor) => {
  const [object, ...rest] = read(yamlDocuments('x', [runtimeClass(hypervisor)]));
  expect(rest).toEqual([]);
  expect(object).toMatchObject({ kind: 'RuntimeClass', handler: `kata-kihon-${hypervisor.name}` });
  validateKubernetes(object as KubernetesObject);
});

describe('the installer', () => {
  const objects = read(yamlDocuments('several\nlines', installerManifest(options)));

  it('obeys the schemas of Kubernetes', () => {
    expect(objects.map(({ kind }) => kind)).toEqual([
      'Namespace',
      'ServiceAccount',
      'ClusterRole',
      'ClusterRoleBinding',
      'ConfigMap',
      'DaemonSet',
    ]);
    objects.forEach(validateKubernetes);
  });

  it.each([
    ['a field that is missing', '"containers"', '"container"', /containers/],
    [
      'a field with another name',
      '"imagePullPolicy"',
      '"imagePolicy"',
      /spec\/template\/spec\/containers\/0\/imagePolicy/,
    ],
    ['a right that there is not', '"privileged"', '"priviledged"', /securityContext\/priviledged/],
    [
      'a value of another type',
      '"terminationGracePeriodSeconds":60',
      '"terminationGracePeriodSeconds":"60"',
      /integer/,
    ],
  ])('is refused by them for %s, so the check is one', (_what, from, to, message) => {
    const text = JSON.stringify(objects.at(-1));
    expect(text).toContain(from);
    expect(() => validateKubernetes(JSON.parse(text.replace(from, to)) as KubernetesObject)).toThrow(message);
  });

  it('names things that are there', () => {
    const set = objects.at(-1) as unknown as {
      spec: {
        template: {
          spec: {
            serviceAccountName: string;
            volumes: { name: string; configMap?: { name: string } }[];
            containers: { volumeMounts: { name: string }[] }[];
          };
        };
      };
    };
    const { serviceAccountName, volumes, containers } = set.spec.template.spec;
    const names = (kind: string): string[] => objects.filter((o) => o.kind === kind).map((o) => o.metadata.name);
    expect(names('ServiceAccount')).toContain(serviceAccountName);
    for (const { configMap } of volumes) if (configMap) expect(names('ConfigMap')).toContain(configMap.name);
    for (const { name } of containers.flatMap(({ volumeMounts }) => volumeMounts))
      expect(volumes.map((volume) => volume.name)).toContain(name);
    expect(JSON.stringify(set)).toContain(NODE_LABEL);
  });
});
