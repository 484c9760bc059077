import { invalidArgument } from '../base/errors.ts';
import { isNumberList } from './number-list.ts';
import { memoryPolicyFlags, memoryPolicyModes } from './memory-policy-names.ts';
import type { Spec } from './spec.ts';

/** `linux.memoryPolicy` by the rules of set_mempolicy(2). */
export function checkMemoryPolicy(spec: Spec): void {
  const policy = spec.linux.memoryPolicy;
  if (policy === undefined) return;
  const field = 'linux.memoryPolicy';
  const { mode, nodes, flags } = policy;
  if (!memoryPolicyModes.has(mode)) throw invalidArgument(`${field}.mode`, `unknown mode ${JSON.stringify(mode)}`);
  flags.forEach((flag, index) => {
    if (!memoryPolicyFlags.has(flag))
      throw invalidArgument(`${field}.flags[${index}]`, `unknown flag ${JSON.stringify(flag)}`);
  });
  if (flags.includes('MPOL_F_STATIC_NODES') && flags.includes('MPOL_F_RELATIVE_NODES'))
    throw invalidArgument(`${field}.flags`, 'MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other');
  if (nodes !== '' && !isNumberList(nodes))
    throw invalidArgument(`${field}.nodes`, `${JSON.stringify(nodes.slice(0, 80))} is not a list`);
  const takesNoNodes = mode === 'MPOL_DEFAULT' || mode === 'MPOL_LOCAL';
  if (takesNoNodes && nodes !== '') throw invalidArgument(`${field}.nodes`, `${mode} takes no nodes`);
  if (takesNoNodes && flags.length > 0) throw invalidArgument(`${field}.flags`, `${mode} takes no flags`);
  if (!takesNoNodes && mode !== 'MPOL_PREFERRED' && nodes === '')
    throw invalidArgument(`${field}.nodes`, `${mode} needs nodes`);
}
