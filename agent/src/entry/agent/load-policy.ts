import type { Logger } from '../../base/log.ts';
import { isSysError } from '../../base/sys-error.ts';
import type { AgentConfig } from '../../guest/config/agent-config.ts';
import { stat } from '../../sys/file.ts';
import type { PolicyGate } from '../../api/policy/policy-gate.ts';

/** Where images of Kata's have their policy. */
export const DEFAULT_POLICY_PATH = '/etc/kata-opa/default-policy.rego';

/** Whether the image has a policy; a link that leads nowhere is one that cannot be read. */
function hasDefaultPolicy(): boolean {
  try {
    stat(DEFAULT_POLICY_PATH, { nofollow: true });
    return true;
  } catch (error) {
    if (isSysError(error, 'ENOENT') || isSysError(error, 'ENOTDIR')) return false;
    throw error;
  }
}

/**
 * The policy of this image: the file that the settings name, else the default one if it is there. Undefined when the image has none; then
 * the code for policies is not even read. Throws for a policy that is named but cannot be used: an agent without it must not serve.
 */
export async function loadPolicy(config: AgentConfig, log: Logger): Promise<PolicyGate | undefined> {
  if (config.policyFile === '' && !hasDefaultPolicy()) return undefined;
  const path = config.policyFile === '' ? DEFAULT_POLICY_PATH : config.policyFile;
  const { createPolicyGate } = await import('./policy-services.ts');
  const isVerbose = config.logLevel === 'DEBG' || config.logLevel === 'TRCE';
  const gate = createPolicyGate(path, log.child('policy'), isVerbose);
  log.info('policy', { file: path });
  return gate;
}
