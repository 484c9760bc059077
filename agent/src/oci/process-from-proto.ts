import { invalidArgument } from '../base/errors.ts';
import { assertNoNul } from './no-nul.ts';
import type { ProtoCapabilities, ProtoProcess } from './proto-spec.ts';
import { listOf, maxMapEntries, nonEmpty, toInt64, toUint64 } from './proto-values.ts';
import type { CapabilitySets, ProcessSpec } from './spec.ts';

/** `CAP_X` for `X`, `CAP_X` and the JSON-quoted forms that hosts send. Unknown names are left to `validateProcess`. */
function capabilityName(text: string): string {
  const bare = text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
  return bare.startsWith('CAP_') ? bare : `CAP_${bare}`;
}

function capabilitySets(proto: ProtoCapabilities | null | undefined): CapabilitySets | undefined {
  if (proto === null || proto === undefined) return undefined;
  const names = (list: readonly string[] | null | undefined): readonly string[] => {
    const texts = listOf(list);
    // Before anything is hashed: the engine's hash has no secret, so chosen names could make insertion quadratic (ENG-07).
    if (texts.length > maxMapEntries)
      throw invalidArgument('process.capabilities', `${texts.length} names, at most ${maxMapEntries} are accepted`);
    return [...new Set(texts.map(capabilityName))];
  };
  return {
    bounding: names(proto.Bounding),
    effective: names(proto.Effective),
    permitted: names(proto.Permitted),
    inheritable: names(proto.Inheritable),
    ambient: names(proto.Ambient),
  };
}

/** A `Process` message as a ProcessSpec. An empty `Args` becomes `sh`, an empty `Cwd` becomes `/`. */
export function processFromProto(proto: ProtoProcess | null | undefined): ProcessSpec {
  if (proto === null || proto === undefined) throw invalidArgument('process', 'missing');
  const args = listOf(proto.Args);
  const oomScoreAdj = Number(toInt64(proto.OOMScoreAdj));
  const size = proto.ConsoleSize;
  const process: ProcessSpec = {
    terminal: proto.Terminal ?? false,
    consoleSize: size === null || size === undefined ? undefined : { rows: size.Height ?? 0, columns: size.Width ?? 0 },
    user: {
      uid: (proto.User?.UID ?? 0) >>> 0,
      gid: (proto.User?.GID ?? 0) >>> 0,
      additionalGids: listOf(proto.User?.AdditionalGids).map((gid) => gid >>> 0),
      umask: undefined,
      username: nonEmpty(proto.User?.Username),
    },
    args: args.length === 0 ? ['sh'] : args,
    env: listOf(proto.Env),
    cwd: nonEmpty(proto.Cwd) ?? '/',
    capabilities: capabilitySets(proto.Capabilities),
    rlimits: listOf(proto.Rlimits).map((limit) => ({
      type: limit.Type ?? '',
      soft: toUint64(limit.Soft),
      hard: toUint64(limit.Hard),
    })),
    noNewPrivileges: proto.NoNewPrivileges ?? false,
    oomScoreAdj: oomScoreAdj === 0 ? undefined : oomScoreAdj,
    apparmorProfile: nonEmpty(proto.ApparmorProfile),
    selinuxLabel: nonEmpty(proto.SelinuxLabel),
    scheduler: undefined,
    ioPriority: undefined,
    execCpuAffinity: undefined,
  };
  assertNoNul(process, 'process');
  return process;
}
