import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentMethod } from '../../../host/client/agent-client.ts';
import { TestContainer } from '../../support/container/test-container.ts';
import { answerOf, callPlausibly, faultOf, RACE_STATUSES, type Answer } from '../requests/answer.ts';
import { methodsOf } from '../requests/plausible-requests.ts';
import type { Scenario, ScenarioContext } from '../scenario.ts';

/** What the container is doing when it is removed. */
const STATES = ['running', 'created', 'paused', 'stopped'] as const;
type State = (typeof STATES)[number];

/** Calls may come this much earlier or later than the removal, in ms. */
const SPREAD_MS = 4;

async function containerIn(state: State, { client, place }: ScenarioContext): Promise<TestContainer> {
  const run = state === 'stopped' ? 'exit 3' : 'exec cat';
  const container = await TestContainer.create(client, { root: place.root, run });
  if (state === 'created') return container;
  await container.start();
  if (state === 'stopped') await container.stdout();
  else await container.exec('exec cat', { execId: 'companion' });
  if (state === 'paused') await container.pause();
  return container;
}

async function race(context: ScenarioContext, method: AgentMethod, state: State): Promise<Answer[]> {
  await using other = await context.place.connect();
  const container = await containerIn(state, context);
  const target = (execId: string) => ({ containerId: container.id, execId, root: context.place.root });
  const after = async (call: () => Promise<Answer>): Promise<Answer> => {
    await sleep(context.random() * SPREAD_MS);
    return await call();
  };
  const answers = await Promise.all([
    after(() => callPlausibly(context.client, method, target('companion'))),
    after(() => callPlausibly(other, method, target(container.id))),
    after(() => callPlausibly(other, method, target('companion'))),
    after(() => callPlausibly(context.client, 'RemoveContainer', target(''))),
  ]);
  // A second creation may have won.
  const cleared = await answerOf('RemoveContainer', container.remove());
  return [...answers, cleared];
}

/** Every method of the protocol while the container it speaks of goes away. */
export const raceWithRemove: Scenario = {
  name: 'race-remove',
  title: 'every request raced with RemoveContainer',
  places: ['process', 'vm'],
  isInShort: true,
  async run(context) {
    const counts = new Map<string, number>();
    for (let round = 0; round < context.amount(1, 8, 50); round++) {
      for (const method of methodsOf(context.place.kind)) {
        const states = context.extent === 'short' ? STATES.slice(0, 2) : STATES;
        for (const state of states) {
          context.step(`round ${round}: ${method} on a ${state} container`);
          for (const answer of await race(context, method, state)) {
            counts.set(answer.status, (counts.get(answer.status) ?? 0) + 1);
            const fault = faultOf(answer, RACE_STATUSES);
            if (fault !== undefined) context.problem(`${method} on a ${state} container: ${fault}`);
          }
        }
      }
    }
    // The raced CreateSandbox and the like left a sandbox that works.
    const { status } = await TestContainer.run(context.client, { root: context.place.root, run: 'exit 5' });
    if (status !== 5) context.problem(`a container afterwards ended with ${status}`);
    context.note(`answers: ${[...counts].map(([name, count]) => `${count} ${name}`).join(', ')}`);
  },
};
