import { TestContainer, type TestProcess } from '../../support/container/test-container.ts';
import { FOR_EVER, must, type Scenario, type ScenarioContext } from '../scenario.ts';

const SIGTERM = 15;
/** Execs under way at once while they come and go. */
const AT_ONCE = 16;

/** Each exec's own exit code and output come back, whoever else ends at the same time. */
async function comeAndGo(container: TestContainer, count: number, context: ScenarioContext): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      context.step(`exec ${index} comes and goes`);
      const { stdout, status } = await container.execute(`echo ${index}; exit ${index % 256}`);
      must(stdout === `${index}\n` && status === index % 256, `exec ${index}: ${status}, ${JSON.stringify(stdout)}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

/** Many are there at the same time; each ends by a signal of its own. */
async function stay(container: TestContainer, count: number, context: ScenarioContext): Promise<void> {
  const execs: TestProcess[] = [];
  for (let index = 0; index < count; index++) {
    context.step(`exec ${index} stays`);
    execs.push(await container.exec(FOR_EVER));
  }
  context.step('the end of all execs');
  context.note(`${execs.length} execs were there at once`);
  const waits = Promise.all(execs.map((exec) => exec.wait()));
  await Promise.all(execs.map((exec) => exec.signal(SIGTERM)));
  const statuses = new Set(await waits);
  must([...statuses].join() === String(128 + SIGTERM), `they ended with ${[...statuses].join()}`);
  await Promise.all(execs.map((exec) => exec.finish().catch(() => undefined)));
}

/** 1,000 execs in one container, one after the other and all at once. */
export const execs: Scenario = {
  name: 'execs',
  title: '1,000 execs',
  places: ['process', 'vm'],
  isInShort: true,
  growthKib: 32 << 10,
  async run(context) {
    const container = await TestContainer.start(context.client, { root: context.place.root, run: FOR_EVER });
    const inVm = context.place.kind === 'vm';
    const count = context.amount(100, 1000, 10_000);
    await comeAndGo(container, count, context);
    await stay(container, context.amount(50, inVm ? 200 : 1000), context);
    await container.remove();
    context.note(`${count} execs came and went, ${AT_ONCE} at a time`);
  },
};
