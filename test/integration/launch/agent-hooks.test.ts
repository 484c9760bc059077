import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { TestContainer } from '../../support/container/test-container.ts';

/** In the order of the lifecycle, with what the state says there (docs/oci.md). */
const points = {
  Prestart: 'created',
  CreateContainer: 'created',
  StartContainer: 'created',
  Poststart: 'running',
  Poststop: 'running',
} as const;

describe('hooks behind the API', () => {
  const fixture = useAgent();
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync('/tmp/kihon-hooks-');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const hook = (script: string) => ({ Path: '/bin/sh', Args: ['sh', '-c', script], Env: ['PATH=/bin'], Timeout: 60n });
  const lines = (log: string): string[] => {
    try {
      return readFileSync(log, 'utf8').trim().split('\n');
    } catch {
      return [];
    }
  };

  it('run at their points, with the state of the contract', async () => {
    const log = join(folder, 'all');
    const outside = (point: string) => [hook(`echo ${point} $(cat) >>${log}`)];
    const container = await TestContainer.start(fixture.client, {
      root: fixture.root,
      run: 'cat /tmp/hooked; sleep 600',
      spec: {
        Hooks: {
          Prestart: outside('Prestart'),
          CreateContainer: outside('CreateContainer'),
          StartContainer: [hook('echo StartContainer $(cat) >/tmp/hooked')],
          Poststart: outside('Poststart'),
          Poststop: outside('Poststop'),
        },
      },
    });
    const inside = await container.readUntil('\n');
    await container.remove();
    const found = [...lines(log), inside.trim()].map((line) => {
      const space = line.indexOf(' ');
      return [line.slice(0, space), (JSON.parse(line.slice(space + 1)) as { status: string }).status];
    });
    expect(Object.fromEntries(found)).toEqual(points);
  });

  it('that fail, hang or are not there fail nothing', async () => {
    const log = join(folder, 'next');
    const bad = [
      hook('exit 1'),
      { ...hook('sleep 4321'), Timeout: 1n },
      { Path: '/missing' },
      hook(`echo next >>${log}`),
    ];
    const container = await TestContainer.start(fixture.client, {
      root: fixture.root,
      run: 'echo ran; sleep 600',
      spec: {
        Hooks: { Prestart: bad, CreateContainer: bad, StartContainer: [hook('exit 3')], Poststart: bad, Poststop: bad },
      },
    });
    expect(await container.readUntil('ran')).toContain('ran');
    await container.remove();
    await eventually(() => expect(lines(log)).toEqual(['next', 'next', 'next', 'next']));
  });
});
