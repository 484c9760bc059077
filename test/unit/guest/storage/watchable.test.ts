import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTooLarge, planSync, type SeenEntry } from '../../../../agent/src/guest/storage/watchable/plan-sync.ts';
import { watchableRoot } from '../../../../agent/src/guest/storage/watchable/watchable-root.ts';

const directory = (path: string): SeenEntry => ({ path, kind: 'directory', stamp: 'directory', bytes: 0 });
const file = (path: string, stamp = '1', bytes = 1): SeenEntry => ({ path, kind: 'file', stamp, bytes });
const link = (path: string, text: string): SeenEntry => ({ path, kind: 'link', stamp: text, bytes: text.length });
const paths = (entries: readonly SeenEntry[]): string[] => entries.map((entry) => entry.path);

describe('planSync()', () => {
  it('swaps a ConfigMap: new files first, then the link, then the old ones go', () => {
    const before = [directory(''), link('..data', '..1'), directory('..1'), file('..1/key'), link('key', '..data/key')];
    const after = [directory(''), link('..data', '..2'), directory('..2'), file('..2/key'), link('key', '..data/key')];
    const plan = planSync(before, after);
    expect(paths(plan.copy)).toEqual(['..2', '..2/key', '..data']);
    expect(plan.remove).toEqual(['..1/key', '..1']);
    expect(plan.replace).toEqual([]);
  });

  it('copies what changed, and makes way for another kind', () => {
    const plan = planSync([directory(''), directory('a'), file('a/x')], [directory(''), file('a', '2')]);
    expect(plan.replace).toEqual(['a']);
    expect(paths(plan.copy)).toEqual(['a']);
    expect(planSync([file('', '1')], [file('', '2')]).copy).toHaveLength(1);
    expect(planSync([file('', '1')], [file('', '1')]).copy).toHaveLength(0);
  });

  it('leads any copy to any source', () => {
    const entry: fc.Arbitrary<SeenEntry> = fc.record({
      path: fc.constantFrom<string[]>('a', 'b', 'a/b', 'a/c', 'b/a'),
      kind: fc.constantFrom<SeenEntry['kind'][]>('directory', 'file', 'link'),
      stamp: fc.constantFrom('1', '2'),
      bytes: fc.constant(1),
    });
    const tree = fc
      .uniqueArray(entry, { selector: (each) => each.path })
      .map((entries) =>
        entries
          .filter(
            ({ path }) =>
              path.length === 1 || entries.some((each) => each.path === path.charAt(0) && each.kind === 'directory'),
          )
          .sort((a, b) => a.path.length - b.path.length),
      );
    fc.assert(
      fc.property(tree, tree, (before, after) => {
        const copy = new Map(before.map((each) => [each.path, each]));
        const plan = planSync(before, after);
        const drop = (path: string): void => {
          for (const each of [...copy.keys()]) if (each === path || each.startsWith(`${path}/`)) copy.delete(each);
        };
        plan.replace.forEach(drop);
        for (const each of plan.copy) copy.set(each.path, each);
        plan.remove.forEach(drop);
        const sorted = (entries: Iterable<SeenEntry>) => [...entries].sort((a, b) => (a.path < b.path ? -1 : 1));
        expect(sorted(copy.values())).toEqual(sorted(after));
      }),
    );
  });
});

describe('isTooLarge()', () => {
  const files = (count: number): SeenEntry[] => Array.from({ length: count }, (_, index) => file(String(index)));

  it('takes 16 entries with the root, and one MiB', () => {
    expect(isTooLarge([directory(''), ...files(15)])).toBe(false);
    expect(isTooLarge([directory(''), ...files(16)])).toBe(true);
    expect(isTooLarge(Array.from({ length: 40 }, (_, index) => directory(String(index))))).toBe(false);
    expect(isTooLarge([file('', '1', 1_048_574), link('l', 'xx')])).toBe(false);
    expect(isTooLarge([file('', '1', 1_048_574), link('l', 'xxx')])).toBe(true);
  });
});

describe('watchableRoot()', () => {
  const BASE = '/run/kata-containers/shared/containers';

  it.each([`${BASE}/watchable`, `${BASE}/passthrough/watchable`, `/run/user/1000${BASE}/watchable`])(
    'takes %s',
    (root) => {
      expect(watchableRoot({ path: `${root}/name` })).toBe(root);
    },
  );

  it.each([
    '/tmp/watchable/x',
    `${BASE}/watchable`,
    `${BASE}/watchable/a/b`,
    `${BASE}/other/x`,
    `/run/user/0${BASE}/watchable/x`,
    `/run/user/007${BASE}/watchable/x`,
  ])('refuses %s', (path) => {
    expect(() => watchableRoot({ path })).toThrow('is no place for a watchable mount');
  });
});
