/** What the kernel decides with a process's rights checks beside ids and capabilities (linux/lsm_hooks.h). */
export type SecurityModule = 'apparmor' | 'selinux';

/** Steps that make the attributes of a process, for init and exec alike. 64-bit numbers are decimal strings. */
export type ProcessStep =
  /** Takes back what a child inherits from its parent without anybody having asked for it (PRV-13). */
  | { readonly do: 'inherited'; readonly resetsScheduler: boolean; readonly resetsPersonality: boolean }
  /**
   * `cpus` is a list, or `all` that the cpuset allows. With `isAdvice` a list without a CPU that the cpuset allows is passed
   * over: runc applies it before the process joins the cgroup, and ours is born in it.
   */
  | { readonly do: 'affinity'; readonly cpus: string; readonly isAdvice: boolean }
  | {
      readonly do: 'scheduler';
      readonly policy: number;
      readonly flags: number;
      readonly nice: number;
      readonly priority: number;
      readonly runtime: string;
      readonly deadline: string;
      readonly period: string;
    }
  | { readonly do: 'io-priority'; readonly ioClass: number; readonly priority: number }
  | { readonly do: 'personality'; readonly persona: number }
  /** `nodes` is a list; empty: none. */
  | { readonly do: 'memory-policy'; readonly mode: number; readonly nodes: string }
  /** The label that the program runs under, from execve on (PRV-09: an error when it cannot be had). */
  | { readonly do: 'security-label'; readonly module: SecurityModule; readonly label: string }
  /** Label of the session keyring; comes before that is made. Empty: the policy's default again. */
  | { readonly do: 'keyring-label'; readonly label: string }
  /** Brings the loopback interface of a new network namespace up. */
  | { readonly do: 'loopback' }
  /** Looks `user[:group]` up in the container's own files; what it finds replaces the numbers of the plan. */
  | { readonly do: 'look-up-user'; readonly text: string };
