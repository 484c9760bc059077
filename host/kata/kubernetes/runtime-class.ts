import { runtimeName, type HypervisorClass } from '../hypervisors.ts';

/** What the installer sets on a node that has our runtimes, and what a RuntimeClass asks for. */
export const NODE_LABEL = 'kihon/installed';

/** `node.k8s.io/v1` RuntimeClass: pods that name it run in our guest, on nodes that have it. */
export function runtimeClass(hypervisor: HypervisorClass): object {
  return {
    apiVersion: 'node.k8s.io/v1',
    kind: 'RuntimeClass',
    metadata: { name: runtimeName(hypervisor), labels: { 'app.kubernetes.io/name': 'kihon' } },
    handler: runtimeName(hypervisor),
    overhead: { podFixed: { memory: hypervisor.overheadMemory, cpu: hypervisor.overheadCpu } },
    scheduling: { nodeSelector: { [NODE_LABEL]: 'true' } },
  };
}
