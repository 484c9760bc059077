import type { AgentClient } from '../../../host/client/agent-client.ts';
import { TestContainer, TestProcess } from '../../support/container/test-container.ts';
import { eventually } from '../../support/eventually.ts';
import { must, type Scenario, type ScenarioContext } from '../scenario.ts';

/** More than a pipe holds, so that the writer waits for a reader. */
const OUTPUT_BYTES = 300_000;

interface Left {
  readonly id: string;
  readonly execId: string;
  /** Bytes that the host which is gone had read. */
  readonly read: number;
}

/** A host that starts things, waits for all of them, and is gone at once. */
async function leave(client: AgentClient, { place }: ScenarioContext): Promise<Left> {
  const writer = await TestContainer.start(client, {
    root: place.root,
    run: `head -c ${OUTPUT_BYTES} /dev/zero; read x; exit 21`,
  });
  const exec = await writer.exec('read x; echo exec $x; exit 22');
  const first = await writer.read(1000);
  const pending = Promise.allSettled([
    writer.wait(),
    exec.wait(),
    writer.stderr(),
    exec.stdout(),
    client.call('GetOOMEvent', {}),
    writer.exec('exec cat'),
  ]);
  await client.check();
  client.close();
  await pending;
  return { id: writer.id, execId: exec.execId, read: first.length };
}

/** The next host finds the containers as they are, and what was not read yet. */
async function find(client: AgentClient, left: Left): Promise<void> {
  const writer = TestContainer.attach(client, left.id);
  const exec = new TestProcess(client, left.id, left.execId);
  must((await writer.execute('exit 1')).status === 1, 'the container that was left runs nothing any more');
  await exec.write('late\n');
  const execOutcome = await exec.finish();
  must(execOutcome.stdout === 'exec late\n' && execOutcome.status === 22, `exec: ${JSON.stringify(execOutcome)}`);
  await writer.write('\n');
  const outcome = await writer.finish();
  const got = left.read + outcome.stdout.length;
  // A read that was under way when the host went may not have taken anything with it.
  must(got === OUTPUT_BYTES, `${got} bytes of ${OUTPUT_BYTES} came`);
  must(outcome.status === 21, `the exit code is ${outcome.status}`);
  await eventually(() => writer.remove());
}

/** Connections that break, with calls under way; the next one finds the state. */
export const hostReturns: Scenario = {
  name: 'host-returns',
  title: 'host gone and back',
  places: ['process', 'vm'],
  isInShort: true,
  async run(context) {
    const rounds = context.amount(5, 60, 600);
    for (let round = 0; round < rounds; round++) {
      const host = await context.place.connect();
      const left = await leave(host, context);
      await using next = await context.place.connect();
      await find(next, left);
    }
    // Several break at once, each in the middle of something else.
    const hosts = await Promise.all(Array.from({ length: context.amount(4, 16) }, () => context.place.connect()));
    const all = await Promise.all(hosts.map((host) => leave(host, context)));
    await Promise.all(all.map((left) => find(context.client, left)));
    context.note(`${rounds + hosts.length} connections broke with six calls under way each`);
  },
};
