import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentMethod } from '../../../host/client/agent-client.ts';
import { cgroupsBelow } from '../../support/agent/kernel-view.ts';
import { startAgent } from '../../support/agent/start-agent.ts';
import { TestContainer } from '../../support/container/test-container.ts';
import { callPlausibly, faultOf, RACE_STATUSES, type Answer } from '../requests/answer.ts';
import { methodsOf } from '../requests/plausible-requests.ts';
import { SANDBOX_ID } from '../places/place.ts';
import type { Scenario, ScenarioContext } from '../scenario.ts';

/** The agent ends after it: who calls too late finds nobody. */
const STATUSES: ReadonlySet<string> = new Set([...RACE_STATUSES, 'unavailable']);
/** Calls may come this much earlier or later than the end, in ms. */
const SPREAD_MS = 4;

/** Each method of `methods` and DestroySandbox at once, in a sandbox of its own; what does not hold afterwards. */
async function race(context: ScenarioContext, methods: readonly AgentMethod[]): Promise<readonly string[]> {
  await using agent = await startAgent({ hasNetworkNamespace: true });
  const client = await agent.connect();
  const other = await agent.connect();
  const late = await agent.connect();
  await client.call('CreateSandbox', { sandbox_id: SANDBOX_ID, hostname: 'soak' });
  const container = await TestContainer.start(client, { root: context.place.root, run: 'exec cat' });
  await container.exec('exec cat', { execId: 'companion' });
  const target = (execId: string) => ({ containerId: container.id, execId, root: context.place.root });
  const after = async (call: () => Promise<Answer>): Promise<Answer> => {
    await sleep(context.random() * SPREAD_MS);
    return await call();
  };
  const [end, ...answers] = await Promise.all([
    after(() => callPlausibly(late, 'DestroySandbox', target(''))),
    ...methods.flatMap((method) => [
      after(() => callPlausibly(client, method, target('companion'))),
      after(() => callPlausibly(other, method, target(container.id))),
    ]),
  ]);
  const problems = answers.map((answer) => faultOf(answer, STATUSES)).filter((fault) => fault !== undefined);
  // It may be refused only when something was made that it could not take away, and nothing here can be.
  if (end.status !== 'ok') problems.push(`DestroySandbox: ${end.status}: ${end.detail}`);
  const status = await agent.exit();
  if (status !== 0) problems.push(`the agent ended with ${status}; the end of its log:\n${agent.log.slice(-1000)}`);
  const left = cgroupsBelow(agent.cgroup.path).filter((path) => path.includes(container.id));
  if (left.length > 0) problems.push(`cgroups are left: ${left.join(' ')}`);
  return problems;
}

/** Every method of the protocol while the sandbox is destroyed. */
export const raceWithDestroy: Scenario = {
  name: 'race-destroy',
  title: 'every request raced with DestroySandbox',
  places: ['process'],
  isInShort: true,
  async run(context) {
    const methods = methodsOf(context.place.kind);
    // One by one each call's own end is seen; all at once they meet each other.
    const groups = context.extent === 'short' ? [methods] : [...methods.map((method) => [method]), methods];
    for (let round = 0; round < context.amount(2, 5, 20); round++)
      for (const group of groups)
        for (const problem of await race(context, group)) context.problem(`${group.length} methods: ${problem}`);
    context.note(`${groups.length * context.amount(2, 5, 20)} sandboxes were destroyed`);
  },
};
