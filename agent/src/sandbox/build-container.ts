/** What CreateContainer does in its turn: everything is acquired here, and given back here when the creation fails. */
import type { AbortSignal } from '../base/abort.ts';
import { neverAborted } from '../base/abort.ts';
import { Scope } from '../base/scope.ts';
import type { AttachedDevice } from '../guest/device/attached-device.ts';
import type { GuestHooks } from '../libcontainer/hooks/guest-hooks.ts';
import { createContainer } from '../libcontainer/launch/create-container.ts';
import { closeStdio } from '../libcontainer/launch/launch-process.ts';
import type { ContainerHandle, NamespaceDescriptors } from '../libcontainer/types.ts';
import type { Spec } from '../oci/spec.ts';
import { validateSpec } from '../oci/validate.ts';
import { findBundleRoot, removeEmptyBundle } from './bundle.ts';
import type { Container } from './container.ts';
import type { CreateContainerConfig } from './create-config.ts';
import { takeConnections } from './passfd/take-connections.ts';
import type { SandboxServices } from './sandbox-services.ts';
import type { SharedMount } from './shared-mount.ts';

/** What a sandbox gives to a new container. */
export interface ContainerSurroundings {
  readonly services: SandboxServices;
  /** Of the sandbox as it is when the container is launched. */
  readonly guestHooks: () => GuestHooks | undefined;
  readonly join: NamespaceDescriptors;
  readonly cgroupPath: string;
  /** The sandbox's containers, for mounts that one of them shares; those being created included. */
  readonly siblings: () => readonly Container[];
}

/** Creates what is registered as `container`, from its amended and valid spec. A failure gives back all that was acquired. */
export async function buildContainer(
  container: Container,
  config: CreateContainerConfig,
  spec: Spec,
  surroundings: ContainerSurroundings,
  signal: AbortSignal,
): Promise<void> {
  await using undo = new Scope();
  const { services, guestHooks, join, cgroupPath, siblings } = surroundings;
  const connections = await takeConnections(services.passfd, services.launch.loop, config.ports);
  undo.defer(() => connections?.close());
  // Storages may lie on these devices.
  const withDevices = await prepareDevices(services, container, spec, config.devices, signal);
  const guestSpec = await injectCdi(services, withDevices, signal);
  container.storages = await services.storages.acquire(config.storages, services.storageContext(container.id, signal));
  undo.defer(() => releaseStorages(services, container));
  const handle = await createContainer(services.launch, {
    containerId: container.id,
    spec: await addGuestHooks(guestSpec, guestHooks()),
    rootfsPath: findBundleRoot(container.id) ?? spec.root.path,
    cgroupPath,
    join,
    signal,
  });
  undo.defer(() => handle.destroy());
  await attachMounts(services, config.sharedMounts, handle, siblings, signal);
  container.created(handle, connections?.join);
  undo.commit();
}

/** Gives back what a container had mounted, and the folder that mounts below its name made. Never fails. */
export async function releaseStorages(services: SandboxServices, container: Container): Promise<void> {
  const context = services.storageContext(container.id, neverAborted);
  await services.storages.release(container.storages, context);
  removeEmptyBundle(container.id);
}

/** The spec with the guest's devices in the place of the host's. */
async function prepareDevices(
  services: SandboxServices,
  container: Container,
  spec: Spec,
  devices: readonly AttachedDevice[],
  signal: AbortSignal,
): Promise<Spec> {
  if (devices.length === 0) return spec;
  const prepared = await services.prepareDevices(spec, devices, signal);
  container.rewriteEnvironment = prepared.rewriteEnvironment;
  // Its warnings were told already.
  validateSpec(prepared.spec);
  return prepared.spec;
}

async function injectCdi(services: SandboxServices, spec: Spec, signal: AbortSignal): Promise<Spec> {
  const edited = await services.injectCdi(spec, signal);
  // Its warnings were told already.
  if (edited !== spec) validateSpec(edited);
  return edited;
}

async function addGuestHooks(spec: Spec, hooks: GuestHooks | undefined): Promise<Spec> {
  if (hooks === undefined) return spec;
  return (await import('../libcontainer/hooks/guest-hooks.ts')).withGuestHooks(spec, hooks);
}

async function attachMounts(
  services: SandboxServices,
  mounts: readonly SharedMount[],
  target: ContainerHandle,
  siblings: () => readonly Container[],
  signal: AbortSignal,
): Promise<void> {
  if (mounts.length === 0) return;
  const { attachSharedMounts, containerName } = await import('./shared-mounts.ts');
  const find = (name: string): ContainerHandle | undefined =>
    siblings().find((container) => container.isCreated && containerName(container.handle.spec) === name)?.handle;
  try {
    await attachSharedMounts(services.launch, mounts, target, find, signal);
  } catch (error) {
    // Nobody has taken them over yet.
    closeStdio(target.init.stdio);
    throw error;
  }
}
