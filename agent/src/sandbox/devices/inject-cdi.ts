import { describeError } from '../../base/errors.ts';
import type { AbortSignal } from '../../base/abort.ts';
import type { KernelFiles } from '../../guest/files/kernel-files.ts';
import { applyCdiEdits } from '../../oci/cdi/apply-edits.ts';
import { parseCdiSpec } from '../../oci/cdi/cdi-spec.ts';
import type { CdiEdits, CdiSpec } from '../../oci/cdi/cdi-spec.ts';
import { cdiDevices, cdiError, formatCdiName } from '../../oci/cdi/device-name.ts';
import type { CdiDeviceName } from '../../oci/cdi/device-name.ts';
import type { Spec } from '../../oci/spec.ts';

/** The only folder that is read; what describes the guest's devices writes there (contract, storage 8.5). */
export const CDI_FOLDER = '/var/run/cdi';
/** Between two looks. */
const POLL_MS = 1000;

export interface CdiContext {
  readonly files: Pick<KernelFiles, 'tryRead' | 'tryList' | 'tryNode'>;
  /** How long the description of a device may take to appear; it is looked for once more than it has seconds. */
  readonly timeoutMs: number;
  /** Whether the container's own `VISIBLE_CDI_DEVICES` counts as well. */
  readonly readsEnvironment: boolean;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
}

interface Found {
  readonly specs: readonly (CdiSpec & { readonly path: string })[];
  /** Files that could not be read: maybe they are being written. */
  readonly failures: readonly string[];
}

function readFolder(files: CdiContext['files']): Found {
  const names = files.tryList(CDI_FOLDER) ?? [];
  const specs: Found['specs'][number][] = [];
  const failures: string[] = [];
  for (const name of [...names].sort()) {
    if (!name.endsWith('.json') && !name.endsWith('.yaml')) continue;
    const path = `${CDI_FOLDER}/${name}`;
    try {
      const text = files.tryRead(path);
      if (text !== undefined) specs.push({ ...parseCdiSpec(text, path), path });
    } catch (error) {
      failures.push(describeError(error));
    }
  }
  return { specs, failures };
}

/** Edits for all devices, those of a document before those of its first device; or the devices of kinds that are not there. */
function collect({ specs }: Found, devices: readonly CdiDeviceName[]): { edits: CdiEdits[]; missing: string[] } {
  const edits: CdiEdits[] = [];
  const missing: string[] = [];
  const used = new Set<CdiSpec>();
  for (const device of devices) {
    const kinds = specs.filter(({ kind }) => kind === device.kind);
    const owners = kinds.filter((spec) => spec.devices.has(device.name));
    const [owner] = owners;
    if (owners.length > 1)
      throw cdiError(`${formatCdiName(device)} is described by ${owners.map(({ path }) => path).join(' and ')}`);
    if (owner === undefined) {
      if (kinds.length > 0) throw cdiError(`devices ${formatCdiName(device)} do not exist in ${kinds[0]?.path}`);
      missing.push(formatCdiName(device));
      continue;
    }
    if (!used.has(owner)) edits.push(owner.edits);
    used.add(owner);
    edits.push(owner.devices.get(device.name) as CdiEdits);
  }
  return { edits, missing };
}

/**
 * Puts into a container's spec what the guest's CDI documents say about the devices that its annotations name. A kind that nobody has
 * described yet is waited for; a kind that is described without the device fails at once. Failures are `internal`.
 */
export async function injectCdi(spec: Spec, context: CdiContext): Promise<Spec> {
  const { files, signal, timeoutMs } = context;
  // The pod's own container stands for its namespaces and uses nothing.
  if (spec.annotations.get('io.katacontainers.pkg.oci.container_type') === 'pod_sandbox') return spec;
  const devices = cdiDevices(spec.annotations, context.readsEnvironment ? spec.process.env : undefined);
  if (devices.length === 0) return spec;
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    const found = readFolder(files);
    const { edits, missing } = collect(found, devices);
    if (missing.length === 0)
      return edits.reduce((edited, next) => applyCdiEdits(edited, next, (path) => files.tryNode(path)), spec);
    if (waitedMs >= timeoutMs) {
      const reasons = [`no description of ${missing.join(', ')} in ${CDI_FOLDER}`, ...found.failures];
      throw cdiError(`failed to inject devices after CDI timeout: ${reasons.join('; ')}`);
    }
    await context.sleep(POLL_MS, signal);
  }
}
