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
    await sleep(context.amount(1000, 20_000, 120_000));
    for (const writer of writers) {
      const { status } = await writer.execute('exit 8');
      must(status === 8, `an exec beside a blocked writer ended with ${status}`);
    }
    // One is read after all, from its beginning.
    const text = (await writers[0]?.read(1000)) ?? '';
    must(text.length > 0 && '0\n'.repeat(1000).startsWith(text), `the late reader got ${JSON.stringify(text)}`);
    await Promise.all(writers.map((writer) => writer.killAll()));
    const statuses = new Set(await Promise.all(writers.map((writer) => writer.wait())));
    must([...statuses].join() === '137', `they ended with ${[...statuses].join()}`);
    await Promise.all(writers.map((writer) => writer.remove()));
    context.note(`${writers.length} containers wrote on both streams`);
  },
};
