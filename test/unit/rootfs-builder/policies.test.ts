import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AgentPolicy } from '../../../agent/src/policy/agent-policy.ts';
import { services } from '../../../proto/gen/services.js';
import { repository } from '../../support/repository.ts';

const folder = join(repository, 'rootfs-builder/policies');
const SERVICE = 'grpc.AgentService';
/** What the confidential policy keeps from the host: every way in, every way out, and every change of the rules. */
const REFUSED = [
  ...['AddSwapPathRequest', 'AddSwapRequest', 'CloseStdinRequest', 'ExecProcessRequest', 'GetDiagnosticDataRequest'],
  ...['GetIPTablesRequest', 'MemAgentCompactConfig', 'MemAgentMemcgConfig', 'ReadStreamRequest', 'SetIPTablesRequest'],
  ...['SetPolicyRequest', 'TtyWinResizeRequest', 'WriteStreamRequest'],
];

describe.each(readdirSync(folder))('the policy %s that comes with the program', (name) => {
  const policy = new AgentPolicy(name, readFileSync(join(folder, name), 'utf8'));

  it('decides every request of the API, none by having no rule for it', () => {
    const refused = new Set<string>();
    for (const method of services.methods(SERVICE)) {
      const request = services.find(SERVICE, method)?.request.type.name ?? '';
      const { verdict } = policy.decide(request, () => null);
      expect([request, verdict.kind]).toEqual([request, expect.stringMatching(/^(?:allowed|denied)$/)]);
      if (verdict.kind === 'denied') refused.add(request);
    }
    expect([...refused].sort()).toEqual(name === 'confidential.rego' ? REFUSED : []);
    expect(policy.allowsFailures).toBe(false);
  });
});
