import { describe, expect, it } from 'vitest';
import { DomainError, describeError, invalidArgument, wrapError } from '../../../agent/src/base/errors.ts';
import { SysError, isSysError } from '../../../agent/src/base/sys-error.ts';

describe('SysError', () => {
  it('says what was done to what, and why it failed', () => {
    expect(new SysError('mount', 19, 'ENODEV', '/dev/vda on /run/x').message).toBe('mount /dev/vda on /run/x: ENODEV');
    expect(new SysError('fork', 11, 'EAGAIN').message).toBe('fork: EAGAIN');
  });

  it('is recognised by its code', () => {
    const error: unknown = new SysError('open', 2, 'ENOENT', '/x');
    expect(isSysError(error)).toBe(true);
    expect(isSysError(error, 'EACCES', 'ENOENT')).toBe(true);
    expect(isSysError(error, 'EACCES')).toBe(false);
    expect(isSysError(null)).toBe(false);
    expect(isSysError(new Error('ENOENT'), 'ENOENT')).toBe(false);
  });
});

describe('wrapError()', () => {
  it('keeps the code of a domain error and calls anything else internal', () => {
    expect(wrapError('container c1', invalidArgument('cwd', 'empty')).code).toBe('invalid_argument');
    expect(wrapError('container c1', new SysError('mount', 1, 'EPERM')).code).toBe('internal');
    expect(wrapError('container c1', null).code).toBe('internal');
  });
});

describe('describeError()', () => {
  it('joins a chain of causes', () => {
    const mount = new SysError('mount', 1, 'EPERM', 'proc on /proc');
    expect(describeError(wrapError('container c1', wrapError('step 3', mount)))).toBe(
      'container c1: step 3: mount proc on /proc: EPERM',
    );
  });

  it.each<[string, unknown, string]>([
    ['null, which is how the engine runs out of memory', null, 'out of memory'],
    ['text', 'boom', 'boom'],
    ['undefined', undefined, 'undefined'],
    ['an error without message', new TypeError(), 'TypeError'],
    ['null as a cause', new Error('decode', { cause: null }), 'decode: out of memory'],
    ['several errors', new AggregateError([new Error('a'), new Error('b')], 'two'), 'two; a; b'],
  ])('takes %s', (_, error, text) => {
    expect(describeError(error)).toBe(text);
  });

  it('ends when the causes form a circle', () => {
    const error = new DomainError('internal', 'round');
    Object.defineProperty(error, 'cause', { value: error });
    expect(describeError(error)).toMatch(/^round(: round)+$/);
  });
});
