import { DomainError } from '../../base/errors.ts';
import type { MemAgentServices } from '../../guest/memory/mem-agent-services.ts';
import type { AgentHandler, ApiContext } from '../handler.ts';

function required(context: ApiContext): MemAgentServices {
  if (context.memAgent === undefined) throw new DomainError('internal', 'mem-agent is disabled');
  return context.memAgent;
}

/** Upstream cuts percentages, swappiness and order to 8 bits (lifecycle 3.7). */
const byte = (value: number): number => value & 0xff;

/** The fields that the request has: those that are absent keep their value. */
function present<T extends object>(fields: { readonly [K in keyof T]: T[K] | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}

const mapped = (value: number | undefined): number | undefined => (value === undefined ? undefined : byte(value));

/** MemAgentMemcgSet: when and how much cold memory of containers is reclaimed. */
export const memAgentMemcgSet: AgentHandler<'MemAgentMemcgSet'> = (context, request) => {
  required(context).setReclaim(
    present({
      isDisabled: request.disabled,
      swaps: request.swap,
      swappinessMax: mapped(request.swappiness_max),
      periodSecs: request.period_secs,
      periodPsiPercentLimit: mapped(request.period_psi_percent_limit),
      evictionPsiPercentLimit: mapped(request.eviction_psi_percent_limit),
      evictionRunAgingCountMin: request.eviction_run_aging_count_min,
    }),
  );
  return {};
};

/** MemAgentCompactSet: when free memory is made contiguous. */
export const memAgentCompactSet: AgentHandler<'MemAgentCompactSet'> = (context, request) => {
  required(context).setCompact(
    present({
      isDisabled: request.disabled,
      periodSecs: request.period_secs,
      periodPsiPercentLimit: mapped(request.period_psi_percent_limit),
      compactPsiPercentLimit: mapped(request.compact_psi_percent_limit),
      compactSecMax: request.compact_sec_max,
      compactOrder: mapped(request.compact_order),
      compactThreshold: request.compact_threshold,
      compactForceTimes: request.compact_force_times,
    }),
  );
  return {};
};
