import { TestContainer } from '../../support/container/test-container.ts';
import { eventually } from '../../support/eventually.ts';
import { must, type Scenario } from '../scenario.ts';

/** How long the last of them may take to end, in ms. */
const DEADLINE_MS = 60_000;

/** A container whose init waits for nobody. */
export const zombies: Scenario = {
  name: 'zombies',
  title: '10,000 zombies in a container',
  places: ['process', 'vm'],
  isInShort: true,
  // The kernel keeps some 20 KiB of each.
  guestMemoryMib: 768,
  async run(context) {
    const { client, place } = context;
    const count = context.amount(500, 10_000);
    // A small guest has fewer by default.
    if (place.kind === 'vm') await place.script('echo 30000 > /proc/sys/kernel/threads-max');
    const container = await TestContainer.start(client, {
      root: place.root,
      run: ['/bin/make-zombies', String(count)],
    });
    await container.readUntil('ready\n');
    const counted = async (): Promise<number> =>
      Number((await container.execute("cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z '")).stdout);
    await eventually(async () => {
      const found = await counted();
      must(found >= count, `${found} zombies`);
    }, DEADLINE_MS);
    for (let index = 0; index < context.amount(5, 50); index++)
      must((await container.execute(`exit ${index}`)).status === index, 'an exec beside them failed');
    await container.stats();
    const neighbour = await TestContainer.run(client, { root: place.root, run: 'exit 6' });
    must(neighbour.status === 6, `a container beside them ended with ${neighbour.status}`);
    await container.killAll();
    must((await container.wait()) === 137, 'it was not killed');
    await container.remove();
    context.note(`${count} zombies`);
  },
};
