import type { OptionRule } from './option-rule.ts';

/** One setting of the agent: its names, its type, and whether this agent acts on it. */
export interface OptionSpec {
  /** Word of the kernel command line; empty when there is none. */
  readonly word: string;
  /** Key of the TOML file; empty when there is none. */
  readonly key: string;
  readonly rule: OptionRule;
  /** False: known, checked, and answered with one warning that names it. */
  readonly acts: boolean;
}

const I32_MAX = 0x7fffffffn;
const I64_MIN = -0x8000000000000000n;
const I64_MAX = 0x7fffffffffffffffn;
const U64_MAX = 0xffffffffffffffffn;

const U8: OptionRule = { kind: 'integer', min: 0n, max: 255n };
const U64: OptionRule = { kind: 'integer', min: 0n, max: U64_MAX };
const STRICT: OptionRule = { kind: 'strictBool' };
const TEXT: OptionRule = { kind: 'text' };

/** The spellings of `agent.log`; case matters. */
const LOG_LEVEL_NAMES = ['fatal', 'panic', 'critical', 'error', 'warn', 'warning', 'info', 'debug', 'trace'];

/** An `agent.` word whose TOML key is the word without the prefix. */
function later(name: string, rule: OptionRule, key = name): OptionSpec {
  return { word: `agent.${name}`, key, rule, acts: false };
}

function now(name: string, rule: OptionRule, key = name): OptionSpec {
  return { word: `agent.${name}`, key, rule, acts: true };
}

/** Every option of the agent (contract 3.2), plus our own `kihon.` words. */
export const OPTIONS: readonly OptionSpec[] = [
  now('log', { kind: 'choice', values: LOG_LEVEL_NAMES }, 'log_level'),
  now('log_vport', { kind: 'port' }),
  now('server_addr', TEXT),
  now('passfd_listener_port', { kind: 'port' }),
  now('cdi_timeout', { kind: 'seconds' }),
  now('visible_cdi_devices', { kind: 'bool' }),
  now('container_pipe_size', { kind: 'integer', min: 0n, max: I32_MAX }),
  now('hotplug_timeout', { kind: 'seconds' }),
  now('policy_file', TEXT),
  { word: 'cgroup_no_v1', key: '', rule: TEXT, acts: true },
  {
    word: 'systemd.unified_cgroup_hierarchy',
    key: 'unified_cgroup_hierarchy',
    rule: { kind: 'bool' },
    acts: true,
  },
  /** vsock port of the host that is told when the API listens; not an option of Kata's. */
  { word: 'kihon.ready', key: '', rule: { kind: 'port' }, acts: true },
  /** The clock follows the hypervisor's PTP device; not an option of Kata's, whose images have a time daemon. */
  { word: 'kihon.ptp', key: 'kihon_ptp', rule: { kind: 'bool', bareWord: true }, acts: true },

  now('debug_console', { kind: 'flag' }),
  now('debug_console_vport', { kind: 'port' }),
  later('devmode', { kind: 'flag' }, 'dev_mode'),
  now('trace', { kind: 'bool', bareWord: true }, 'tracing'),
  later('cdh_api_timeout', { kind: 'seconds' }),
  later('image_pull_timeout', { kind: 'seconds' }),
  later('launch_process_timeout', { kind: 'seconds' }),
  later('https_proxy', TEXT),
  later('no_proxy', TEXT),
  later('guest_components_rest_api', { kind: 'choice', values: ['all', 'attestation', 'resource'] }),
  later('guest_components_procs', {
    kind: 'choice',
    values: ['none', 'attestation-agent', 'confidential-data-hub', 'api-server-rest'],
  }),
  later('secure_storage_integrity', { kind: 'bool' }),
  now('mem_agent_enable', { kind: 'bool' }),
  now('mem_agent_memcg_disable', STRICT),
  now('mem_agent_memcg_swap', STRICT),
  now('mem_agent_memcg_swappiness_max', U8),
  now('mem_agent_memcg_period_secs', U64),
  now('mem_agent_memcg_period_psi_percent_limit', U8),
  now('mem_agent_memcg_eviction_psi_percent_limit', U8),
  now('mem_agent_memcg_eviction_run_aging_count_min', U64),
  now('mem_agent_compact_disable', STRICT),
  now('mem_agent_compact_period_secs', U64),
  now('mem_agent_compact_period_psi_percent_limit', U8),
  now('mem_agent_compact_psi_percent_limit', U8),
  now('mem_agent_compact_sec_max', { kind: 'integer', min: I64_MIN, max: I64_MAX }),
  now('mem_agent_compact_order', U8),
  now('mem_agent_compact_threshold', U64),
  now('mem_agent_compact_force_times', U64),
];

/** The word that replaces the whole configuration by a file. */
export const CONFIG_FILE_WORD = 'agent.config_file';

/** The option with that command line word. */
export function findOptionByWord(word: string): OptionSpec | undefined {
  return word === '' ? undefined : OPTIONS.find((option) => option.word === word);
}

/** The option with that key in the TOML file. */
export function findOptionByKey(key: string): OptionSpec | undefined {
  return key === '' ? undefined : OPTIONS.find((option) => option.key === key);
}
