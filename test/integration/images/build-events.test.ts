/** What `kihon build --json` prints (docs/images.md, Events). */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository } from '../../support/repository.ts';
import { bundleKihon, outcomeOf, type Outcome } from '../../support/images/kihon-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'kihon-events-'));
let kihon = '';
beforeAll(async () => {
  kihon = await bundleKihon(folder);
  writeFileSync(join(folder, 'agent'), '\x7fELF agent', 'latin1');
  mkdirSync(join(folder, 'guest'));
  writeFileSync(join(folder, 'guest/large'), Buffer.alloc(9 << 20, 'x'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const build = (kind: string, recipe: string, ...options: string[]): Promise<Outcome> => {
  writeFileSync(join(folder, 'guest.toml'), `[agent]\nbinary = "agent"\n${recipe}`);
  const command = [process.execPath, kihon, 'build', kind, 'guest.toml', '--json', ...options];
  return outcomeOf(command, { cwd: folder, env: { KIHON_CACHE: join(folder, 'cache') } });
};

type Members = Readonly<Record<string, unknown>>;

/** The lines as objects; nothing else is on standard output. */
function events({ stdout }: Outcome): (Members & { event: string })[] {
  expect(stdout.endsWith('\n')).toBe(true);
  return stdout
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line) as Members & { event: string });
}

const text = expect.any(String) as string;
const number = expect.any(Number) as number;
const file = { path: text, sizeBytes: number, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string };
const steps = ['base', 'guest', 'output'];

/** The documented members of each event; a table of the documentation that lacks one, or has another, fails. */
function expectDocumented(event: Members & { event: string }): void {
  switch (event.event) {
    case 'plan':
      expect(event).toEqual({ event: 'plan', recipe: 'guest', kind: text, steps: expect.any(Array) as unknown });
      for (const [index, step] of (event.steps as Members[]).entries())
        expect(step).toEqual({
          id: steps[index],
          title: text,
          details: expect.any(Array) as unknown,
          expectedMs: number,
        });
      return;
    case 'start':
      expect(event).toEqual({ event: 'start', step: expect.stringMatching(/^(base|guest|output)$/) as string });
      return;
    case 'progress':
      expect(event).toEqual({
        event: 'progress',
        step: text,
        text,
        ...(event.fraction === undefined ? {} : { fraction: number }),
      });
      return;
    case 'done':
      expect(event).toEqual({ event: 'done', step: text, cached: expect.any(Boolean) as boolean, ms: number });
      return;
    case 'note':
      expect(event).toEqual({ event: 'note', text });
      return;
    case 'result': {
      const { verity, ...rest } = event;
      expect(Object.keys(rest).sort()).toEqual(
        ['documents', 'event', 'files', 'inputs', 'isCached', 'kernelParameters', 'notes', 'packages', 'tools'].sort(),
      );
      for (const each of [...(rest.files as Members[]), ...(rest.documents as Members[])]) expect(each).toEqual(file);
      expect(typeof verity).toBe((rest.files as Members[]).length > 1 ? 'object' : 'undefined');
      return;
    }
    case 'error':
      expect(event).toEqual({ event: 'error', message: text, interrupted: expect.any(Boolean) as boolean });
      return;
    default:
      throw new Error(`an event that is not documented: ${event.event}`);
  }
}

describe('the events of a build', () => {
  it.each([
    ['an initrd', 'initrd', ''],
    ['an OCI archive', 'rootfs', '[output]\nformat = "oci-archive"\n'],
    ['a measured disk', 'image', '[output]\nformat = "disk"\nfilesystem = "erofs"\nverity = true\n'],
    ['ext4', 'image', '[output]\nformat = "ext4"\n'],
  ])(
    'of %s: one object on a line, of the documented form, in order, with progress up to the end',
    async (_what, kind, recipe) => {
      const built = await build(kind, `${recipe}\n[[file]]\ntarget = "/large"\nsource = "guest/large"\n`, '--fresh');
      expect(built).toMatchObject({ status: 0, stderr: '' });
      const told = events(built);
      for (const event of told) expectDocumented(event);
      expect(told[0]?.event).toBe('plan');
      expect(told.at(-1)).toMatchObject({ event: 'result', isCached: false });
      const order = told.filter(({ event }) => event === 'start' || event === 'done');
      expect(order.map(({ event, step }) => [event, step])).toEqual(
        steps.flatMap((step) => [
          ['start', step],
          ['done', step],
        ]),
      );
      const done = told.findIndex(({ event, step }) => event === 'done' && step === 'output');
      const fractions = told.flatMap(({ event, step, fraction }, index) => {
        if (event !== 'progress' || step !== 'output') return [];
        expect(index).toBeLessThan(done);
        return [fraction as number];
      });
      expect(fractions.length).toBeGreaterThan(2);
      expect(fractions).toEqual([...fractions].sort((left, right) => left - right));
      expect([fractions[0], fractions.at(-1)]).toEqual([0, 1]);
      const [main] = told.at(-1)?.files as { path: string; sizeBytes: number }[];
      expect(readFileSync(main?.path ?? '').length).toBe(main?.sizeBytes);
      const again = events(await build(kind, `${recipe}\n[[file]]\ntarget = "/large"\nsource = "guest/large"\n`));
      expect(again.at(-1)).toMatchObject({ event: 'result', isCached: true });
      expect(again).toContainEqual(expect.objectContaining({ event: 'done', step: 'output', cached: true }));
    },
  );

  it('end with an error that is one too, at once and in the middle', async () => {
    for (const [recipe, message, first] of [
      ['[output]\nfromat = "disk"\n', 'output.fromat: unknown key', 'error'],
      ['[output]\nformat = "ext4"\nsize = "64K"\n', 'ext4: ', 'plan'],
    ]) {
      const failed = await build('image', recipe ?? '');
      expect(failed.status).toBe(1);
      const told = events(failed);
      for (const event of told) expectDocumented(event);
      expect(told[0]?.event).toBe(first);
      const last = told.at(-1);
      expect(last).toMatchObject({ event: 'error', interrupted: false });
      expect(last?.message).toContain(message);
      expect(failed.stderr).toBe(`kihon: ${String(last?.message)}\n`);
    }
    const missing = await build('kernel', '[kernel]\nconfig = "lean"\nsource = "nowhere"\n', '--output', 'kernel');
    expect([missing.status, events(missing).at(-1)]).toMatchObject([1, { event: 'error', interrupted: false }]);
  });

  it('of --explain are the plan alone', async () => {
    const explained = events(await build('image', '[output]\nformat = "erofs"\n', '--explain'));
    expect(explained.map(({ event }) => event)).toEqual(['plan']);
    for (const event of explained) expectDocumented(event);
    const kernel = events(await build('kernel', '', '--explain'));
    expect(kernel).toEqual([{ event: 'plan', recipe: 'guest', kind: 'kernel', steps: expect.any(Array) as unknown }]);
  });

  it('are all in the documentation', () => {
    const page = readFileSync(join(repository, 'docs/images.md'), 'utf8');
    const section = /^### Events$([^]*?)^### /m.exec(page)?.[1] ?? '';
    const named = [...section.matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => name);
    expect(named).toEqual(['event', 'plan', 'start', 'progress', 'done', 'note', 'result', 'error']);
  });
});
