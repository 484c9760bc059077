import { describe, expect, it } from 'vitest';
import { AbortController, neverAborted } from '../../../agent/src/base/abort.ts';
import { DomainError } from '../../../agent/src/base/errors.ts';

describe('AbortSignal', () => {
  it('tells every listener once', () => {
    const controller = new AbortController();
    const seen: unknown[] = [];
    controller.signal.onAbort((reason) => seen.push(['a', reason]));
    controller.signal.onAbort((reason) => seen.push(['b', reason]));
    controller.abort('now');
    controller.abort('again');
    expect(seen).toEqual([
      ['a', 'now'],
      ['b', 'now'],
    ]);
    expect(controller.signal.reason).toBe('now');
  });

  it('calls a late listener at once', () => {
    const controller = new AbortController();
    controller.abort('early');
    const seen: unknown[] = [];
    controller.signal.onAbort((reason) => seen.push(reason))();
    expect(seen).toEqual(['early']);
  });

  it('does not call a listener that unregistered', () => {
    const controller = new AbortController();
    const unregister = controller.signal.onAbort(() => {
      throw new Error('must not be called');
    });
    unregister();
    controller.abort();
  });

  it('has a reason of its own when none is given', () => {
    const controller = new AbortController();
    expect(() => controller.signal.throwIfAborted()).not.toThrow();
    controller.abort();
    expect(controller.signal.reason).toBeInstanceOf(DomainError);
    expect(() => controller.signal.throwIfAborted()).toThrow('cancelled');
  });

  it('may never fire', () => {
    expect(neverAborted.aborted).toBe(false);
  });
});
