import { TestContainer } from '../../support/container/test-container.ts';
import { must, type Scenario } from '../scenario.ts';

/** 200 containers that live side by side. */
export const containers: Scenario = {
  name: 'containers',
  title: '200 containers',
  places: ['process', 'vm'],
  isInShort: true,
  growthKib: 32 << 10,
  async run(context) {
    const count = context.amount(30, 200, 1000);
    const all: TestContainer[] = [];
    for (let index = 0; index < count; index++)
      all.push(
        await TestContainer.start(context.client, {
          root: context.place.root,
          run: `read x; echo ${index} $x; exit ${index % 256}`,
        }),
      );
    for (let index = 0; index < count; index += 10) {
      const exec = await all[index]?.execute(`echo exec ${index}`);
      must(exec?.stdout === `exec ${index}\n`, `exec in container ${index}: ${JSON.stringify(exec)}`);
    }
    // Half end by themselves and half are killed, all at once.
    const ends = all.map(async (container, index) => {
      if (index % 2 === 0) {
        await container.write('bye\n');
        const { stdout, status } = await container.finish();
        must(stdout === `${index} bye\n` && status === index % 256, `container ${index}: ${status}, ${stdout}`);
      } else {
        await container.killAll();
        must((await container.wait()) === 137, `container ${index} was not killed`);
      }
    });
    await Promise.all(ends);
    await Promise.all(all.map((container) => container.remove()));
    context.note(`${count} containers`);
  },
};
