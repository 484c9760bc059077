import type { AgentClient } from '../../../host/client/agent-client.ts';
import { TestContainer, TestProcess } from '../../support/container/test-container.ts';
import { must, type Scenario, type ScenarioContext } from '../scenario.ts';

/** Containers, execs and streams of one host. */
async function work(client: AgentClient, { place }: ScenarioContext, name: string, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const container = await TestContainer.start(client, { root: place.root, run: `read x; echo ${name} $x; exit 4` });
    const exec = await container.execute(`echo exec of ${name}; exit 9`);
    must(exec.stdout === `exec of ${name}\n` && exec.status === 9, `${name}: the exec gave ${JSON.stringify(exec)}`);
    await container.write(`${round}\n`);
    const outcome = await container.finish();
    must(outcome.stdout === `${name} ${round}\n` && outcome.status === 4, `${name}: ${JSON.stringify(outcome)}`);
    await container.remove();
  }
}

/** Both hosts on one container: one starts it, both wait, each takes a part of what it writes, and no byte is lost or doubled. */
async function share(one: AgentClient, two: AgentClient, { place }: ScenarioContext, bytes: number): Promise<void> {
  // Its output ends before it does: whoever waits takes the streams along, so hosts read first.
  const run = `head -c ${bytes} /dev/zero; exec >&- 2>&-; read x; exit 6`;
  const container = await TestContainer.start(one, { root: place.root, run });
  const same = new TestProcess(two, container.id, container.id);
  const parts = await Promise.all([container.stdout(), same.stdout()]);
  const got = parts.reduce((sum, part) => sum + part.length, 0);
  must(got === bytes, `of ${bytes} bytes the two hosts got ${got}`);
  const waits = Promise.all([container.wait(), same.wait()]);
  await Promise.all([one.check(), two.check()]);
  await container.write('\n');
  const statuses = await waits;
  must(statuses.join() === '6,6', `the two hosts were told ${statuses.join()}`);
  await container.remove();
}

/** Two connections, each with work of its own and with the same container. */
export const twoHosts: Scenario = {
  name: 'two-hosts',
  title: 'two host connections at once',
  places: ['process', 'vm'],
  isInShort: true,
  async run(context) {
    await using other = await context.place.connect();
    const rounds = context.amount(10, 100, 1000);
    await Promise.all([work(context.client, context, 'first', rounds), work(other, context, 'second', rounds)]);
    for (let round = 0; round < context.amount(5, 30, 300); round++)
      await share(context.client, other, context, 200_000 + round);
    context.note(`${2 * rounds} containers with an exec each, and ${context.amount(5, 30, 300)} shared ones`);
  },
};
