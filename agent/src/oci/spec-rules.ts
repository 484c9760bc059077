/** Where the two users of a specification differ in what they accept. */
export interface SpecRules {
  /**
   * `net.*` sysctls need a network namespace of the container's own (CGN-07). Behind the agent's API the network is the
   * sandbox's, which the guest has for itself.
   */
  readonly netSysctlsNeedNamespace: boolean;
  /** Strings may hold a NUL byte here; a reader that has refused them already spares the walk. */
  readonly mayHoldNul: boolean;
  /** Devices lie below `/dev`, as hosts of the agent's API have them (contract, lifecycle section 9.4; MNT-09). */
  readonly devicesAreBelowDev: boolean;
}

/** Requests of the agent's API (contract, lifecycle section 4.2). */
export const agentRules: SpecRules = { netSysctlsNeedNamespace: false, mayHoldNul: true, devicesAreBelowDev: true };

/** `config.json` of an OCI bundle. */
export const bundleRules: SpecRules = { netSysctlsNeedNamespace: true, mayHoldNul: false, devicesAreBelowDev: false };
