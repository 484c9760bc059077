import { specFromProto } from '../../../agent/src/oci/from-proto.ts';
import type { ProtoLinux, ProtoProcess, ProtoSpec } from '../../../agent/src/oci/proto-spec.ts';
import type { Spec } from '../../../agent/src/oci/spec.ts';

export interface Changes {
  readonly process?: ProtoProcess;
  readonly linux?: ProtoLinux;
  readonly top?: ProtoSpec;
}

/** A request as hosts send it, with parts replaced. */
export function protoSpec(changes: Changes = {}): ProtoSpec {
  return {
    Version: '1.0.2-dev',
    Process: {
      User: { AdditionalGids: [0] },
      Args: ['/bin/true'],
      Env: ['PATH=/bin'],
      Cwd: '/',
      Capabilities: { Bounding: ['CAP_CHOWN'], Effective: ['CAP_CHOWN'], Permitted: ['CAP_CHOWN'] },
      NoNewPrivileges: true,
      ...changes.process,
    },
    Root: { Path: '/run/kata-containers/c1/rootfs' },
    Mounts: [
      { destination: '/proc', source: 'proc', type: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      { destination: '/dev', source: 'tmpfs', type: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755'] },
    ],
    Linux: {
      CgroupsPath: '/default/c1',
      Namespaces: [{ Type: 'ipc' }, { Type: 'uts' }, { Type: 'mount' }, { Type: 'pid' }],
      ...changes.linux,
    },
    ...changes.top,
  };
}

export function sampleSpec(changes: Changes = {}): Spec {
  return specFromProto(protoSpec(changes));
}
