/**
 * A launch plan: what the new process does between its own start and execve, as plain data. It is compiled from the spec
 * without side effects, travels to the child as JSON, and is carried out in order by `init/`. A step that fails fails the
 * launch; what may be absent without harm is said at the step.
 *
 * Descriptors are numbers in the child: `InheritedDescriptors` hands them out. 64-bit numbers are decimal strings.
 */

import type { SeccompFilter } from './seccomp-filter.ts';
import type { ProcessStep } from './process-steps.ts';

export interface LaunchPlan {
  readonly steps: readonly Step[];
  /** After the start gate and the startContainer hooks, last before execve. */
  readonly lateSteps: readonly Step[];
  /** Hooks of `startContainer`. */
  readonly startHooks: HookBatch | undefined;
  readonly program: Program;
}

/** A plan with what only the launch knows. */
export interface CompleteLaunchPlan extends LaunchPlan {
  readonly gate: GateKind;
  /** Descriptors of the child that become 3, 4, ... of the program. */
  readonly preserved: readonly number[];
  /** Until it is ready the parent, having no rights over others, must be able to look at it. */
  readonly isDumpable: boolean;
}

/** Where the start comes from. */
export type GateKind =
  /** Over the sync socket. With `answers` that stays open until execve, to tell what went wrong. */
  | { readonly kind: 'sync'; readonly answers: boolean }
  /** Over connections to a bound Unix socket, after `detach`. */
  | { readonly kind: 'socket'; readonly descriptor: number };

/** One hook as it is run. */
export interface HookRun {
  readonly path: string;
  /** Including argument 0. */
  readonly argv: readonly string[];
  readonly env: readonly string[];
  /** 0: none. */
  readonly timeoutMs: number;
}

/** The state that hooks read from their stdin, but for what differs from point to point (runtime-spec, "State"). */
export interface HookStateTemplate {
  readonly ociVersion: string;
  readonly id: string;
  readonly bundle: string;
  readonly annotations: readonly (readonly [string, string])[];
}

/** Hooks of one point, run by the new process itself. */
export interface HookBatch {
  readonly point: string;
  readonly hooks: readonly HookRun[];
  readonly state: HookStateTemplate;
  readonly status: string;
  readonly failures: 'fatal' | 'logged';
  /** Undefined: where the process is. */
  readonly cwd: string | undefined;
}

/** What is executed in the end. */
export interface Program {
  readonly args: readonly string[];
  /** `KEY=value`, each key once. */
  readonly env: readonly string[];
  /** Whose home directory becomes HOME when `env` has none. */
  readonly uid: number;
}

export type Propagation = 'private' | 'slave' | 'shared' | 'unbindable';

/** MOUNT_ATTR_* bits for mount_setattr(2). */
export interface AttributeChange {
  readonly set: number;
  readonly clear: number;
}

/** A part of the guest's tree. */
export interface BindOrigin {
  readonly kind: 'bind';
  readonly path: string;
  readonly isRecursive: boolean;
  /**
   * The tree as the parent opened it, with its id map; or, for a container in a user namespace, for sources that its root
   * cannot reach.
   */
  readonly opened?: { readonly descriptor: number; readonly isMapped: boolean };
  /** A symbolic link at the end of the path: bound itself, or made anew inside; undefined: followed. */
  readonly link?: 'bind' | 'copy';
}

export interface FilesystemOrigin {
  readonly kind: 'filesystem';
  readonly type: string;
  /** Shown as the source in mountinfo, or the device. */
  readonly source: string;
  /** fsconfig(2): key and value; null for a flag. */
  readonly parameters: readonly (readonly [string, string | null])[];
  /** SELinux label of its root directory, for one that takes no `context=`. */
  readonly label?: string;
  /** Starts with a copy of what it covers. */
  readonly copiesUp?: true;
  /** What is bound when the kernel does not let this user namespace make the file system (EPERM). */
  readonly fallback?: BindOrigin;
}

/** `remount`: the mount that is there already. */
export type MountOrigin = BindOrigin | FilesystemOrigin | { readonly kind: 'remount' };

export interface MountStep {
  readonly do: 'mount';
  /** Clean path inside the container. */
  readonly destination: string;
  readonly origin: MountOrigin;
  readonly attributes: AttributeChange;
  /** For the whole subtree (`rro` and its kin). */
  readonly recursiveAttributes: AttributeChange;
  readonly propagation: { readonly kind: Propagation; readonly isRecursive: boolean } | undefined;
  /** A symbolic link at the destination is covered itself. */
  readonly coversLink?: true;
}

export interface DeviceNode {
  /** Clean path below `/dev`. */
  readonly path: string;
  readonly type: 'b' | 'c' | 'p';
  readonly major: number;
  readonly minor: number;
  /** Permission bits; undefined takes those of the guest's node, else 0. */
  readonly mode: number | undefined;
  readonly uid: number;
  readonly gid: number;
}

export interface RlimitStepEntry {
  readonly resource: number;
  readonly soft: string;
  readonly hard: string;
}

/** Capability sets as lists of numbers. */
export interface CapabilityNumbers {
  readonly bounding: readonly number[];
  readonly effective: readonly number[];
  readonly permitted: readonly number[];
  readonly inheritable: readonly number[];
  readonly ambient: readonly number[];
}

export type Step =
  | ProcessStep
  /** Has the parent put it into its cgroup, where it could not be born there. */
  | { readonly do: 'cgroup' }
  /** A session keyring of its own, without a name that others could look up, so that no keys are shared (keyrings(7)). */
  | { readonly do: 'session-keyring' }
  /** setns(2) with a descriptor that was checked by the parent. */
  | { readonly do: 'join-namespace'; readonly type: string; readonly flag: number; readonly descriptor: number }
  /** The rest is for another process, in the pid namespace that was joined; this one ends. `closes`: descriptors that stay behind. */
  | { readonly do: 'go-on-inside'; readonly closes: readonly number[] }
  /** After the process is in its cgroup, so that its own group is the root it sees. */
  | { readonly do: 'cgroup-namespace' }
  /**
   * Becomes root of its user namespace. With `asksParent` that first does what takes rights outside of it: the id maps of a new
   * one, and limits. Without `setsGroups` the kernel forbids setgroups(2) there (user_namespaces(7)).
   */
  | {
      readonly do: 'user-namespace';
      readonly asksParent: boolean;
      readonly setsGroups: boolean;
      readonly isDumpable: boolean;
    }
  /** Opens the directory of `attach-root`, while it can still be reached. */
  | { readonly do: 'find-root'; readonly path: string }
  /** A new time namespace, entered at once; the parent sets its clocks before. */
  | { readonly do: 'time-namespace'; readonly isShifted: boolean }
  /** Lets the parent give network devices and run the hooks of the runtime's namespaces (prestart, createRuntime). */
  | { readonly do: 'runtime-hooks' }
  | { readonly do: 'hooks'; readonly batch: HookBatch }
  | { readonly do: 'oom-score'; readonly value: number }
  | { readonly do: 'hostname'; readonly name: string }
  | { readonly do: 'domainname'; readonly name: string }
  /** Hard limits now, as root; soft limits last of all, because they bind the interpreter too. */
  | { readonly do: 'rlimits'; readonly limits: readonly RlimitStepEntry[] }
  /** What the guest's mounts, copied into the new namespace, still share with the guest's own. */
  | { readonly do: 'propagation'; readonly kind: Propagation }
  /** Clones the container's tree and attaches it over itself, so that it is a mount of our own. */
  | { readonly do: 'attach-root'; readonly path: string; readonly keepsShared: boolean }
  | MountStep
  | { readonly do: 'devices'; readonly nodes: readonly DeviceNode[] }
  /** Existing links are left when they say the same, and refused when not. */
  | { readonly do: 'device-links'; readonly links: readonly (readonly [path: string, target: string])[] }
  /** A pty in the container's devpts, else in the guest's; its master goes to the parent. */
  | {
      readonly do: 'terminal';
      readonly hasConsole: boolean;
      readonly size: { readonly rows: number; readonly columns: number } | undefined;
    }
  | { readonly do: 'pivot-root' }
  /** Without pivot_root(2), for roots on the initial ramfs: the root is moved over `/`. */
  | { readonly do: 'move-root' }
  | { readonly do: 'root-propagation'; readonly kind: Propagation; readonly isRecursive: boolean }
  /** chroot(2) into a pinned root; for exec. */
  | { readonly do: 'enter-root'; readonly descriptor: number }
  /** `missing`: what happens with files that this kernel does not have. */
  | {
      readonly do: 'sysctls';
      readonly entries: readonly (readonly [path: string, value: string])[];
      readonly missing: 'skip' | 'fail';
    }
  | { readonly do: 'create-directory'; readonly path: string }
  /** Missing paths are skipped. `label`: SELinux context of what hides a directory. */
  | { readonly do: 'masked-paths'; readonly paths: readonly string[]; readonly label?: string }
  /** Missing paths are skipped. */
  | { readonly do: 'readonly-paths'; readonly paths: readonly string[] }
  /** Mounts whose `ro` had to wait until something was put into them. */
  | { readonly do: 'readonly-mount'; readonly path: string }
  | { readonly do: 'readonly-root' }
  /** setsid(2); with a terminal it becomes the controlling one. */
  | { readonly do: 'session'; readonly hasTerminal: boolean }
  | { readonly do: 'working-directory'; readonly path: string }
  | { readonly do: 'umask'; readonly mask: number }
  | { readonly do: 'stdio-owner'; readonly uid: number }
  | { readonly do: 'bounding-set'; readonly capabilities: readonly number[] }
  /** Without `setsGroups` the kernel forbids setgroups(2) in this user namespace. */
  | {
      readonly do: 'user';
      readonly uid: number;
      readonly gid: number;
      readonly groups: readonly number[];
      readonly setsGroups: boolean;
    }
  | { readonly do: 'no-new-privileges' }
  /** `kept` are in the permitted and effective sets as well until execve, which takes them away. */
  | { readonly do: 'capabilities'; readonly sets: CapabilityNumbers; readonly kept?: readonly number[] }
  /** Gives up what was `kept`. */
  | { readonly do: 'drop-capabilities'; readonly capabilities: readonly number[] }
  | ({ readonly do: 'seccomp' } & SeccompFilter);

export type StepKind = Step['do'];

function describeOrigin(origin: MountOrigin): string {
  if (origin.kind === 'remount') return 'remount';
  return `mount ${origin.kind === 'bind' ? origin.path : origin.type}`;
}

/** What a step is about, for error texts: `mount proc on /proc`. */
export function describeStep(step: Step): string {
  switch (step.do) {
    case 'mount':
      return `${describeOrigin(step.origin)} on ${step.destination}`;
    case 'join-namespace':
      return `join the ${step.type} namespace`;
    case 'attach-root':
      return `root ${step.path}`;
    case 'hooks':
      // Its errors name the hook themselves.
      return '';
    case 'readonly-mount':
    case 'create-directory':
    case 'working-directory':
      return `${step.do} ${step.path}`;
    default:
      return step.do;
  }
}
