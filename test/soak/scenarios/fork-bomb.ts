import { setTimeout as sleep } from 'node:timers/promises';
import { TestContainer } from '../../support/container/test-container.ts';
import { FOR_EVER, must, type Scenario } from '../scenario.ts';

const LIMIT = 128n;
const BOMBS = 2;

/** Containers that do nothing but fork, each within its limit of processes. */
export const forkBomb: Scenario = {
  name: 'fork-bomb',
  title: 'fork bombs within their limits',
  places: ['vm'],
  isInShort: false,
  async run(context) {
    const { client, place } = context;
    const calm = await TestContainer.start(client, { root: place.root, run: FOR_EVER });
    const bombs = await Promise.all(
      Array.from({ length: BOMBS }, () =>
        TestContainer.start(client, {
          root: place.root,
          // The shell gives up when it cannot fork, so an outer one begins again.
          run: 'b() { b | b & }; while :; do (while :; do b; done) 2>/dev/null; done',
          linux: { Resources: { Pids: { Limit: LIMIT } } },
        }),
      ),
    );
    await sleep(context.amount(1000, 5000, 60_000));
    for (let index = 0; index < context.amount(2, 8); index++) {
      context.step(`exec ${index} beside the bombs`);
      const { status } = await calm.execute(`exit ${index}`);
      must(status === index, `an exec beside the bombs ended with ${status}`);
      for (const bomb of bombs) {
        const current = (await bomb.stats())?.pids_stats?.current ?? 0n;
        must(current <= LIMIT, `${current} processes where ${LIMIT} are allowed`);
      }
    }
    context.step('execs inside the bombs');
    // There may be no room for one more process, which has to be said at once.
    const refused = (await Promise.all(bombs.map((bomb) => bomb.execute('true').catch(() => undefined)))).filter(
      (outcome) => outcome === undefined,
    );
    context.step('the end of the bombs');
    await Promise.all(bombs.map((bomb) => bomb.killAll()));
    await Promise.all(bombs.map((bomb) => bomb.wait()));
    await Promise.all([...bombs, calm].map((container) => container.remove()));
    context.note(`${BOMBS} bombs of ${LIMIT} processes; ${refused.length} of ${BOMBS} execs inside were refused`);
  },
};
