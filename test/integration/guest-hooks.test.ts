import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useAgent } from '../support/agent/agent-fixture.ts';
import { TestContainer } from '../support/container/test-container.ts';

describe('hooks of the guest image', () => {
  const fixture = useAgent();
  let folder = '';
  let log = '';

  const program = (path: string, text: string, mode = 0o755): void => {
    writeFileSync(join(folder, path), `#!/bin/sh\n${text}\n`);
    chmodSync(join(folder, path), mode);
  };
  const ran = (): { line: string; state: { id: string; status: string; pid: number } }[] =>
    readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map((row) => {
        const brace = row.indexOf('{');
        return { line: row.slice(0, brace).trim(), state: JSON.parse(row.slice(brace)) as never };
      });

  beforeAll(async () => {
    folder = mkdtempSync('/tmp/kihon-guest-hooks-');
    log = join(folder, 'log');
    const tell = (name: string): string =>
      `echo "${name} $# $1 env=$(env | grep -cv '^_=\\|^PWD=\\|^SHLVL=') $(cat)" >>${log}`;
    for (const point of ['prestart', 'poststart', 'poststop']) mkdirSync(join(folder, point));
    program('prestart/20-second', tell('second'));
    program('prestart/10-first', tell('first'));
    program('prestart/15-fails', 'exit 7');
    program('prestart/30-not-executable', tell('never'), 0o644);
    symlinkSync('10-first', join(folder, 'prestart/40-link'));
    mkdirSync(join(folder, 'prestart/50-folder'));
    program('poststart/go', tell('go'));
    program('poststop/end', tell('end'));
    await fixture.client.call('CreateSandbox', { sandbox_id: 'pod', hostname: 'podname', guest_hook_path: folder });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('run after those of the spec, by name, told their point and the state, and fail nothing', async () => {
    const own = { Path: '/bin/sh', Args: ['sh', '-c', `echo "own 0 x env=0 $(cat)" >>${log}`], Env: ['PATH=/bin'] };
    const container = await TestContainer.start(fixture.client, {
      root: fixture.root,
      run: 'exit 0',
      spec: { Hooks: { Prestart: [own] } },
    });
    await container.finish();
    await container.remove();
    const seen = ran();
    expect(seen.map(({ line, state }) => `${line} ${state.status}`)).toEqual([
      'own 0 x env=0 created',
      'first 1 prestart env=0 created',
      'second 1 prestart env=0 created',
      'go 1 poststart env=0 running',
      'end 1 poststop env=0 running',
    ]);
    expect(new Set(seen.map(({ state }) => state.id))).toEqual(new Set([container.id]));
    expect(fixture.agent.log).toContain('15-fails exited with 7');
    expect(fixture.agent.log).toContain('40-link');
  });

  it.each(['relative/path', '/not/there'])(
    'that cannot be found (%s) keep no sandbox from being made',
    async (path) => {
      await fixture.client.call('CreateSandbox', { sandbox_id: 'pod', hostname: 'podname', guest_hook_path: path });
      rmSync(log);
      writeFileSync(log, '');
      expect(await TestContainer.run(fixture.client, { root: fixture.root, run: 'exit 3' })).toMatchObject({
        status: 3,
      });
      expect(readFileSync(log, 'utf8')).toBe('');
    },
  );
});
