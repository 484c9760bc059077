import { setTimeout as sleep } from 'node:timers/promises';
import { TestContainer } from '../../support/container/test-container.ts';
import { must, type Scenario } from '../scenario.ts';

/** Writers fill their pipes and stop; nobody reads, and everything else goes on. */
export const unreadOutput: Scenario = {
  name: 'unread-output',
  title: 'output that nobody reads',
  places: ['process', 'vm'],
  isInShort: true,
  async run(context) {
    const { client, place } = context;
    const writers = await Promise.all(
      Array.from({ length: context.amount(6, 20) }, (_, index) =>
        TestContainer.start(client, {
          root: place.root,
          run: `yes ${index} >&2 & exec yes ${index}`,
          terminal: index % 3 === 2,
        }),
      ),
    );
    context.step('the writers fill their pipes');
    await sleep(context.amount(1000, 20_000, 120_000));
    for (const [index, writer] of writers.entries()) {
      context.step(`an exec beside writer ${index}`);
      const { status } = await writer.execute('exit 8');
      must(status === 8, `an exec beside a blocked writer ended with ${status}`);
    }
    context.step('a late reader');
    // One is read after all, from its beginning.
    const text = (await writers[0]?.read(1000)) ?? '';
    must(text.length > 0 && '0\n'.repeat(1000).startsWith(text), `the late reader got ${JSON.stringify(text)}`);
    context.step('the end of all');
    await Promise.all(writers.map((writer) => writer.killAll()));
    const statuses = new Set(await Promise.all(writers.map((writer) => writer.wait())));
    must([...statuses].join() === '137', `they ended with ${[...statuses].join()}`);
    context.step('the removal of all');
    await Promise.all(writers.map((writer) => writer.remove()));
    context.note(`${writers.length} containers wrote on both streams`);
  },
};
