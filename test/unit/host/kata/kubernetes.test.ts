import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DaemonSet } from 'kubernetes-models/apps/v1';
import { RuntimeClass } from 'kubernetes-models/node.k8s.io/v1';
import { ClusterRole, ClusterRoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1';
import { ConfigMap, Namespace, ServiceAccount } from 'kubernetes-models/v1';
import { describe, expect, it, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { HYPERVISORS } from '../../../../host/kata/hypervisors.ts';
import { installerManifest } from '../../../../host/kata/kubernetes/installer.ts';
import { NODE_LABEL, runtimeClass } from '../../../../host/kata/kubernetes/runtime-class.ts';
import { yamlDocuments } from '../../../../host/kata/kubernetes/yaml.ts';
import { repository } from '../../../support/repository.ts';

/** Models with the schemas of the Kubernetes API; `validate` throws naming the field. */
const models: Readonly<Record<string, new (data: never) => { validate(): void }>> = {
  DaemonSet,
  RuntimeClass,
  ClusterRole,
  ClusterRoleBinding,
  ConfigMap,
  Namespace,
  ServiceAccount,
};

interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

function read(text: string): KubernetesObject[] {
  return parseAllDocuments(text).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as KubernetesObject;
  });
}

function validate(object: KubernetesObject): void {
  const Model = models[object.kind];
  if (Model === undefined) throw new Error(`no schema for ${object.kind}`);
  new Model(object as never).validate();
}

const script = readFileSync(join(repository, 'host/kata/kubernetes/install-node.sh'), 'utf8');
const options = { image: 'registry.example/kihon:1', namespace: 'kihon-system', prefix: '/opt/kata', script };

test.each(HYPERVISORS)('the RuntimeClass for $title obeys the schema of Kubernetes', (hypervisor) => {
  const [object, ...rest] = read(yamlDocuments('x', [runtimeClass(hypervisor)]));
  expect(rest).toEqual([]);
  expect(object).toMatchObject({ kind: 'RuntimeClass', handler: `kata-kihon-${hypervisor.name}` });
  validate(object as KubernetesObject);
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
    objects.forEach(validate);
  });

  it('is refused by them when a field is wrong, so the check is one', () => {
    const broken = JSON.parse(
      JSON.stringify(objects.at(-1)).replace('"containers"', '"container"'),
    ) as KubernetesObject;
    expect(() => validate(broken)).toThrow(/containers/);
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
