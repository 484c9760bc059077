/** Settings of the memory agent (boot contract, 3.2). Percentages are of the time in which tasks waited for memory or disks. */

/** How much cold memory of containers is given back, and when. */
export interface ReclaimConfig {
  readonly isDisabled: boolean;
  /** Anonymous memory goes to swap too; else only files' pages are dropped. */
  readonly swaps: boolean;
  /** Largest swappiness, 0 to 200. */
  readonly swappinessMax: number;
  readonly periodSecs: bigint;
  /** A container that waited for longer than this in the past period is left alone. */
  readonly periodPsiPercentLimit: number;
  /** Reclaiming from a container stops when it waits for longer than this meanwhile. */
  readonly evictionPsiPercentLimit: number;
  /** Memory must have been cold for so many periods. */
  readonly evictionRunAgingCountMin: bigint;
}

/** When free memory is made contiguous. */
export interface CompactConfig {
  readonly isDisabled: boolean;
  readonly periodSecs: bigint;
  /** A guest that waited for longer than this in the past period is left alone. */
  readonly periodPsiPercentLimit: number;
  /** Compaction stops when the guest waits for longer than this meanwhile. */
  readonly compactPsiPercentLimit: number;
  /** Compaction ends after so many seconds. */
  readonly compactSecMax: bigint;
  /** Pages of at least this order are what is wanted. */
  readonly compactOrder: number;
  /** Compaction is worth its while when so many pages were freed or split since the last one. */
  readonly compactThreshold: bigint;
  /** It is done all the same after so many periods without. */
  readonly compactForceTimes: bigint;
}

export interface MemAgentConfig {
  readonly reclaim: ReclaimConfig;
  readonly compact: CompactConfig;
}

export const DEFAULT_MEM_AGENT: MemAgentConfig = {
  reclaim: {
    isDisabled: false,
    swaps: false,
    swappinessMax: 50,
    periodSecs: 600n,
    periodPsiPercentLimit: 1,
    evictionPsiPercentLimit: 1,
    evictionRunAgingCountMin: 3n,
  },
  compact: {
    isDisabled: false,
    periodSecs: 600n,
    periodPsiPercentLimit: 1,
    compactPsiPercentLimit: 5,
    compactSecMax: 300n,
    compactOrder: 9,
    compactThreshold: 1024n,
    compactForceTimes: 0x7fff_ffff_ffff_ffffn,
  },
};

type Field<T> = { readonly [K in keyof T]: readonly [part: keyof MemAgentConfig, field: K] };

/** Where each option belongs, by its word without `agent.mem_agent_`. */
const FIELDS: Readonly<
  Record<string, Field<ReclaimConfig>[keyof ReclaimConfig] | Field<CompactConfig>[keyof CompactConfig]>
> = Object.assign(
  Object.create(null) as object,
  {
    memcg_disable: ['reclaim', 'isDisabled'],
    memcg_swap: ['reclaim', 'swaps'],
    memcg_swappiness_max: ['reclaim', 'swappinessMax'],
    memcg_period_secs: ['reclaim', 'periodSecs'],
    memcg_period_psi_percent_limit: ['reclaim', 'periodPsiPercentLimit'],
    memcg_eviction_psi_percent_limit: ['reclaim', 'evictionPsiPercentLimit'],
    memcg_eviction_run_aging_count_min: ['reclaim', 'evictionRunAgingCountMin'],
    compact_disable: ['compact', 'isDisabled'],
    compact_period_secs: ['compact', 'periodSecs'],
    compact_period_psi_percent_limit: ['compact', 'periodPsiPercentLimit'],
    compact_psi_percent_limit: ['compact', 'compactPsiPercentLimit'],
    compact_sec_max: ['compact', 'compactSecMax'],
    compact_order: ['compact', 'compactOrder'],
    compact_threshold: ['compact', 'compactThreshold'],
    compact_force_times: ['compact', 'compactForceTimes'],
  } as const,
);

/** The settings with one option changed. `name` is one of the option table, its value checked. */
export function withMemAgentOption(
  config: MemAgentConfig,
  name: string,
  value: string | boolean | bigint,
): MemAgentConfig {
  const place = FIELDS[name];
  if (place === undefined) throw new Error(`option agent.mem_agent_${name} has no place in the configuration`);
  const [part, field] = place;
  const old = (config[part] as unknown as Readonly<Record<string, unknown>>)[field];
  return { ...config, [part]: { ...config[part], [field]: typeof old === 'number' ? Number(value) : value } };
}
