/**
 * Optional: what a policy costs on the engine, with the built agent.
 *
 *     npx tsx test/conformance/policy/measure.ts [KATA_CHECKOUT]
 *
 * Prints medians of calls over a Unix socket and the agent's memory; with a checkout also for Kata's own rules.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentClient } from '../../../host/client/agent-client.ts';
import { residentKib } from '../../support/agent/kernel-view.ts';
import { startAgent } from '../../support/agent/start-agent.ts';
import { createRequest } from '../../support/container/container-spec.ts';
import { allowAllBut, GENERATED_POLICY } from '../../support/policies.ts';

const CALLS = 200;
const [checkout] = process.argv.slice(2);

async function medianUs(call: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let count = 0; count < CALLS; count++) {
    const start = performance.now();
    await call().catch(() => undefined);
    times.push((performance.now() - start) * 1000);
  }
  return Math.round(times.sort((a, b) => a - b)[CALLS >> 1] ?? 0);
}

const request = createRequest('measured', {
  root: '/nowhere',
  run: 'id',
  env: Array.from({ length: 20 }, (_, index) => `NAME_${index}=value`),
});

async function measure(name: string, policy: string | undefined): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'kihon-policy-'));
  const path = join(folder, 'policy.rego');
  if (policy !== undefined) writeFileSync(path, policy);
  try {
    await using agent = await startAgent(policy === undefined ? {} : { env: { KATA_AGENT_POLICY_FILE: path } });
    const client: AgentClient = await agent.connect();
    await sleep(1000);
    const idle = residentKib(agent.pid);
    const details = await medianUs(() => client.call('GetGuestDetails', {}));
    const create = await medianUs(() => client.call('CreateContainer', request));
    const sizes = `idle ${idle} KiB, afterwards ${residentKib(agent.pid)} KiB`;
    process.stdout.write(`${name}: GetGuestDetails ${details} us, CreateContainer refused ${create} us, ${sizes}\n`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

await measure('no policy', undefined);
await measure('allow all', allowAllBut('', ['GuestDetailsRequest', 'CreateContainerRequest']));
await measure('rules over data', `${GENERATED_POLICY}\ndefault GuestDetailsRequest := true\n`);
if (checkout !== undefined) {
  const generator = join(checkout, 'src/tools/genpolicy');
  const rules = readFileSync(join(generator, 'rules.rego'), 'utf8');
  const settings = JSON.parse(readFileSync(join(generator, 'genpolicy-settings.json'), 'utf8')) as object;
  const container = { OCI: { ...request.OCI, Annotations: {} }, storages: [], devices: [], sandbox_pidns: false };
  const data = { ...settings, containers: [container, container, container] };
  const text = JSON.stringify(data, (_, value: unknown) =>
    value instanceof Map ? (Object.fromEntries(value) as unknown) : typeof value === 'bigint' ? Number(value) : value,
  );
  await measure('generated', `${rules}\npolicy_data := ${text}\n`);
}
