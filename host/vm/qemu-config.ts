import type { GuestRoot } from './guest-root.ts';
import type { Machine } from './machine.ts';

/** How the guest's vsock device is provided (`vsock-transport.ts`). */
export type VsockBackend =
  | { readonly kind: 'vhost-user'; readonly socketPath: string }
  | { readonly kind: 'vhost-kernel'; readonly cid: number };

/** One VM as QEMU shall start it. Paths are absolute. */
export interface QemuConfig {
  readonly machine: Machine;
  readonly accelerator: 'kvm' | 'tcg';
  readonly memoryMib: number;
  readonly cpus: number;
  /** Firmware of a q35 machine; undefined is QEMU's own choice. */
  readonly firmware?: string | undefined;
  readonly kernel: string;
  readonly root: GuestRoot;
  readonly commandLine: string;
  readonly console: 'hvc0' | 'ttyS0';
  readonly vsock: VsockBackend;
  /** Socket of virtiofsd and the tag under which the guest mounts it. */
  readonly share: { readonly socketPath: string; readonly tag: string } | undefined;
  /** Inherited descriptors of the QMP and the console stream. */
  readonly qmpFd: number;
  readonly consoleFd: number;
  /** More arguments, last. */
  readonly extra: readonly string[];
}
