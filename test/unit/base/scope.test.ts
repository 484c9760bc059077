import { describe, expect, it } from 'vitest';
import { Scope } from '../../../agent/src/base/scope.ts';

describe('Scope', () => {
  it('undoes in reverse order, waiting for each', async () => {
    const done: number[] = [];
    const scope = new Scope();
    scope.defer(() => void done.push(1));
    scope.defer(async () => {
      await Promise.resolve();
      done.push(2);
    });
    scope.defer(() => void done.push(3));
    await scope.unwind();
    expect(done).toEqual([3, 2, 1]);
  });

  it('undoes once', async () => {
    let count = 0;
    const scope = new Scope();
    scope.defer(() => {
      count += 1;
    });
    await scope.unwind();
    await scope.unwind();
    expect(count).toBe(1);
  });

  it('forgets everything on commit', async () => {
    const scope = new Scope();
    scope.defer(() => {
      throw new Error('must not run');
    });
    scope.commit();
    await scope.unwind();
  });

  it('runs every release although some fail, and reports all failures', async () => {
    const done: string[] = [];
    const scope = new Scope();
    scope.defer(() => void done.push('first'));
    scope.defer(() => {
      throw new Error('b');
    });
    scope.defer(() => Promise.reject(new Error('a')));
    const error: unknown = await scope.unwind().catch((caught: unknown) => caught);
    expect(done).toEqual(['first']);
    expect(error).toBeInstanceOf(AggregateError);
    expect((error as AggregateError).errors.map(String)).toEqual(['Error: a', 'Error: b']);
  });

  it('throws the only failure as it is', async () => {
    const scope = new Scope();
    const failure = new Error('only');
    scope.defer(() => {
      throw failure;
    });
    await expect(scope.unwind()).rejects.toBe(failure);
  });

  it('unwinds when its block is left by an error', async () => {
    const done: string[] = [];
    const work = async (): Promise<void> => {
      await using scope = new Scope();
      scope.use({ [Symbol.dispose]: () => void done.push('closed') });
      throw new Error('boom');
    };
    await expect(work()).rejects.toThrow('boom');
    expect(done).toEqual(['closed']);
  });

  it('moves its releases away and is empty then', async () => {
    const done: string[] = [];
    const first = new Scope();
    first.defer(() => void done.push('moved'));
    const second = first.move();
    await first.unwind();
    expect(done).toEqual([]);
    await second.unwind();
    expect(done).toEqual(['moved']);
  });
});
