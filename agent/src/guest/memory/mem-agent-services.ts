import type { CompactConfig, ReclaimConfig } from './mem-agent-config.ts';

/** What the host may change about the memory agent. Fields that are absent keep their value. */
export interface MemAgentServices {
  /** Throws `failed_precondition` when the memory agent could not start. */
  setReclaim(change: Partial<ReclaimConfig>): void;
  setCompact(change: Partial<CompactConfig>): void;
}
