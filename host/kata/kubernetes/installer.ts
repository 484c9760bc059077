import { NODE_LABEL } from './runtime-class.ts';

export interface InstallerOptions {
  /** Image with `make install PREFIX=/opt/kata DESTDIR=/payload` in it, a shell with cp, find, mv and rm, and curl. */
  readonly image: string;
  readonly namespace: string;
  /** Prefix of Kata on the nodes. */
  readonly prefix: string;
  /** Text of the installing script (install-node.sh). */
  readonly script: string;
}

const NAME = 'kihon-installer';
const LABELS = { 'app.kubernetes.io/name': 'kihon', 'app.kubernetes.io/component': 'installer' };

function daemonSet({ image, namespace, prefix }: InstallerOptions): object {
  const command = (word: string): string[] => ['/bin/sh', '/installer/install-node.sh', word];
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: NAME, namespace, labels: LABELS },
    spec: {
      selector: { matchLabels: LABELS },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
      template: {
        metadata: { labels: LABELS },
        spec: {
          serviceAccountName: NAME,
          // Only nodes where Kata's own installer has been: we bring the guest, Kata brings shim and hypervisor.
          nodeSelector: { 'katacontainers.io/kata-runtime': 'true' },
          tolerations: [{ operator: 'Exists' }],
          terminationGracePeriodSeconds: 60,
          containers: [
            {
              name: 'installer',
              image,
              imagePullPolicy: 'IfNotPresent',
              command: command('install'),
              lifecycle: { preStop: { exec: { command: command('remove') } } },
              env: [
                { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
                { name: 'KATA_PREFIX', value: prefix },
                { name: 'NODE_LABEL', value: NODE_LABEL },
              ],
              // It writes into two folders of the node and restarts nothing: no privileges beyond root.
              securityContext: {
                privileged: false,
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'], add: ['DAC_OVERRIDE', 'FOWNER', 'CHOWN'] },
                seccompProfile: { type: 'RuntimeDefault' },
              },
              resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '128Mi' } },
              volumeMounts: [
                { name: 'kata', mountPath: '/host/kata' },
                { name: 'containerd', mountPath: '/host/containerd' },
                { name: 'script', mountPath: '/installer', readOnly: true },
              ],
            },
          ],
          volumes: [
            { name: 'kata', hostPath: { path: prefix, type: 'Directory' } },
            { name: 'containerd', hostPath: { path: '/etc/containerd', type: 'Directory' } },
            { name: 'script', configMap: { name: NAME, defaultMode: 0o555 } },
          ],
        },
      },
    },
  };
}

/** Everything that the installer needs in a cluster, in the order in which to apply it. */
export function installerManifest(options: InstallerOptions): readonly object[] {
  const { namespace, script } = options;
  const metadata = { name: NAME, labels: LABELS };
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: LABELS } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { ...metadata, namespace } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata,
      rules: [{ apiGroups: [''], resources: ['nodes'], verbs: ['get', 'patch'] }],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: NAME },
      subjects: [{ kind: 'ServiceAccount', name: NAME, namespace }],
    },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { ...metadata, namespace },
      data: { 'install-node.sh': script },
    },
    daemonSet(options),
  ];
}
