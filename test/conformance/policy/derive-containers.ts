/** A request of Kata's tests for generated policies. */
export interface TestCase {
  readonly description: string;
  readonly allowed: boolean;
  readonly kind: string;
  readonly request: Record<string, unknown>;
}

interface Container {
  readonly OCI: Record<string, unknown> & { readonly Annotations: Record<string, string>; readonly Root: object };
  readonly storages?: readonly { readonly driver: string }[];
  readonly devices?: readonly { readonly container_path: string }[];
  readonly sandbox_pidns?: boolean;
}

const SANDBOX_ID = 'io.kubernetes.cri.sandbox-id';

/**
 * What a policy would say of the containers that the tests allow: what stands in the requests, with patterns where a generated policy has them.
 * Containers with the same name are one.
 */
export function containersOf(tests: readonly TestCase[], settings: Record<string, unknown>): readonly unknown[] {
  const exec = tests.filter(({ kind, allowed }) => kind === 'ExecProcessRequest' && allowed);
  const commands = exec.map(({ request }) => (request['process'] as { Args: readonly string[] }).Args);
  const vfio =
    (settings['devices'] as { vfio?: { device_path?: string } } | undefined)?.vfio?.device_path ?? '/dev/vfio';
  const byName = new Map<string, unknown>();
  for (const { kind, allowed, request } of tests) {
    if (kind !== 'CreateContainerRequest' || !allowed) continue;
    const { OCI: oci, storages, devices, sandbox_pidns } = request as unknown as Container;
    const name = oci.Annotations['io.kubernetes.cri.container-name'] ?? 'sandbox';
    if (byName.has(name)) continue;
    byName.set(name, {
      OCI: {
        ...oci,
        Annotations: { ...oci.Annotations, [SANDBOX_ID]: '^[a-z0-9]{64}$' },
        Root: { ...oci.Root, Path: '$(root_path)' },
      },
      storages: (storages ?? []).filter(({ driver }) => driver !== 'image_guest_pull'),
      devices: (devices ?? []).map((device) =>
        device.container_path.startsWith(vfio) ? { ...device, container_path: vfio } : device,
      ),
      sandbox_pidns: sandbox_pidns ?? false,
      exec_commands: commands,
      runtime_anno_patterns: {},
    });
  }
  return [...byName.values()];
}
