import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { expectStatus } from '../../support/agent/expect-status.ts';
import { mount } from '../../support/container/container-spec.ts';
import { TestContainer } from '../../support/container/test-container.ts';
import { within } from '../../support/eventually.ts';

const FOLDER = '/run/kata-containers/shared/containers/logs';
const SOURCE = `${FOLDER}/termination-log`;
const INSIDE = '/dev/termination-log';
const Annotations = new Map([['io.kubernetes.container.terminationMessagePath', INSIDE]]);
const MAX_BYTES = 4096;

describe('GetDiagnosticData', () => {
  const fixture = useAgent({ prepare: `mkdir -p ${FOLDER}` });
  let source = '';
  beforeAll(() => {
    source = fixture.agent.path(SOURCE);
  });
  afterEach(() => rmSync(source, { force: true, recursive: true }));

  const ask = async (id: string, log_type = 'termination_log'): Promise<string> => {
    const call = fixture.client.call('GetDiagnosticData', { container_id: id, log_type });
    return (await within(20_000, 'the answer', call)).data;
  };
  const start = (run = 'sleep 600'): Promise<TestContainer> => {
    writeFileSync(source, '');
    return TestContainer.start(fixture.client, {
      root: fixture.root,
      run,
      mounts: [mount(INSIDE, SOURCE, 'bind', 'rbind', 'rw')],
      spec: { Annotations },
    });
  };

  it('gives what the container wrote, also when it is dead', async () => {
    await using container = await start(`echo 'out of cheese' > ${INSIDE}`);
    await container.wait();
    expect(await ask(container.id)).toBe('out of cheese\n');
  });

  it('gives 4 KiB at most, and text whatever the bytes', async () => {
    await using container = await start();
    expect(await ask(container.id)).toBe('');
    writeFileSync(source, 'x'.repeat(MAX_BYTES + 1));
    expect(await ask(container.id)).toBe('x'.repeat(MAX_BYTES));
    writeFileSync(source, Buffer.of(0x61, 0xff, 0x62, 0, 0xc3));
    expect(await ask(container.id)).toBe('a\ufffdb\0\ufffd');
  });

  it('is empty when the file is gone', async () => {
    await using container = await start();
    rmSync(source);
    expect(await ask(container.id)).toBe('');
  });

  it('refuses other logs, other containers, and containers without a termination message', async () => {
    await using container = await start();
    await expectStatus(ask(container.id, 'kernel_log'), 'invalid_argument', 'log_type');
    await expectStatus(ask(container.id, ''), 'invalid_argument', 'log_type');
    await expectStatus(ask('nobody'), 'not_found', 'Invalid container id');
    await using plain = await TestContainer.start(fixture.client, { root: fixture.root });
    await expectStatus(ask(plain.id), 'internal', 'terminationMessagePath');
    await using unmounted = await TestContainer.start(fixture.client, { root: fixture.root, spec: { Annotations } });
    await expectStatus(ask(unmounted.id), 'internal', INSIDE);
  });

  describe('API-13: reads nothing that a container put there instead:', () => {
    const odd: readonly (readonly [string, () => void])[] = [
      ['a link to the agent’s files', () => symlinkSync('/etc/passwd', source)],
      ['a link to its memory', () => symlinkSync('/proc/self/mem', source)],
      ['a FIFO', () => void execFileSync('mkfifo', [source])],
      ['a device', () => void execFileSync('mknod', [source, 'c', '1', '5'])],
      ['a directory', () => mkdirSync(source)],
    ];
    it.each(odd)('%s', async (_what, make) => {
      await using container = await start();
      rmSync(source);
      make();
      await expectStatus(ask(container.id), 'internal');
      await fixture.client.check();
    });

    it('a folder that became a link', async () => {
      await using container = await start();
      const folder = fixture.agent.path(FOLDER);
      execFileSync('mv', [folder, `${folder}.moved`]);
      symlinkSync(`${FOLDER}.moved`, folder);
      try {
        await expectStatus(ask(container.id), 'internal', 'ELOOP');
      } finally {
        rmSync(folder);
        execFileSync('mv', [`${folder}.moved`, folder]);
      }
    });

    it('1 TiB of nothing, of which 4 KiB are enough', async () => {
      await using container = await start();
      truncateSync(source, 2 ** 40);
      expect(await ask(container.id)).toBe('\0'.repeat(MAX_BYTES));
    });
  });
});
