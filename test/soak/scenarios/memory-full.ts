import { setTimeout as sleep } from 'node:timers/promises';
import { answerOf, faultOf, RACE_STATUSES } from '../requests/answer.ts';
import { mount } from '../../support/container/container-spec.ts';
import { TestContainer } from '../../support/container/test-container.ts';
import { FOR_EVER, must, type Scenario, type ScenarioContext } from '../scenario.ts';

/** What a request may be told by a guest without memory. */
const STATUSES: ReadonlySet<string> = new Set([...RACE_STATUSES, 'resource_exhausted']);
/** Left free at first, in KiB: less than the agent and one container need for themselves. */
const SPARE_KIB = 12 << 10;

/** Grows a little at a time, so that no single allocation fails: the kernel has to kill somebody. */
const BOMB = ['awk', 'BEGIN { for (i = 0; ; i++) a[i] = "some memory for number " i }'];

/** The memory the guest could still give, in KiB. */
async function availableKib({ place }: ScenarioContext): Promise<number> {
  const text = await place.script('grep MemAvailable /proc/meminfo');
  return Number(text.replace(/\D+/g, ' ').trim());
}

/** Execs and containers while there is no memory: each works, or is refused with a reason. */
async function attempt(context: ScenarioContext, beside: TestContainer, count: number): Promise<string> {
  let refused = 0;
  for (let index = 0; index < count; index++) {
    const calls = [
      answerOf('ExecProcess', beside.execute('true')),
      answerOf('CreateContainer', TestContainer.run(context.client, { root: context.place.root, run: 'true' })),
      answerOf('StatsContainer', beside.stats()),
      answerOf('GetGuestDetails', context.client.call('GetGuestDetails', { mem_block_size: true })),
    ];
    for (const answer of await Promise.all(calls)) {
      const fault = faultOf(answer, STATUSES);
      if (fault !== undefined) context.problem(fault);
      if (answer.status !== 'ok') refused += 1;
    }
  }
  return `${refused} of ${count * 4} requests were refused`;
}

/** A guest whose memory is full of a container's files, then one whose containers take what is left. */
export const memoryFull: Scenario = {
  name: 'memory-full',
  title: 'guest memory nearly full',
  places: ['vm'],
  isInShort: false,
  async run(context) {
    const { client, place } = context;
    const beside = await TestContainer.start(client, { root: place.root, run: FOR_EVER });
    const files = await TestContainer.start(client, {
      root: place.root,
      run: FOR_EVER,
      mounts: [mount('/run/fill', 'tmpfs', 'tmpfs', 'size=100%')],
    });
    const fillKib = (await availableKib(context)) - SPARE_KIB;
    context.step('filling');
    const fill = await files.execute(`dd if=/dev/zero of=/run/fill/f bs=1M count=${Math.floor(fillKib / 1024)} 2>&1`);
    context.note(`filled ${fillKib} KiB with files: status ${fill.status}`);
    context.step('full of files');
    context.note(`full of files: ${await attempt(context, beside, context.amount(2, 10))}`);

    context.step('a bomb');
    // Whoever asks for more is killed by the kernel, and it is never the agent.
    const bomb = await TestContainer.start(client, {
      root: place.root,
      run: BOMB,
    });
    await sleep(context.amount(500, 3000));
    context.note(`with a bomb: ${await attempt(context, beside, context.amount(2, 5))}`);
    context.step('the end of the bomb');
    const words = await bomb.stderr();
    const status = await bomb.wait();
    must(status === 137, `the bomb ended with ${status}: ${words}`);
    await bomb.remove();
    await files.remove();
    // Whoever was killed: afterwards there is room again.
    await beside.remove();
    const { stdout } = await TestContainer.run(client, { root: place.root, run: 'echo room' });
    must(stdout === 'room\n', 'there is no room after everything was removed');
  },
};
