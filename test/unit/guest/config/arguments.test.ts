import { describe, expect, it } from 'vitest';
import { parseArguments } from '../../../../agent/src/guest/config/arguments.ts';

describe('parseArguments()', () => {
  it('reads the configuration file and the version flag', () => {
    expect(parseArguments([], false)).toEqual({ kind: 'run' });
    expect(parseArguments(['-c', '/a'], false)).toEqual({ kind: 'run', configFile: '/a' });
    expect(parseArguments(['--config', '/a'], true)).toEqual({ kind: 'run', configFile: '/a' });
    expect(parseArguments(['--version'], false)).toEqual({ kind: 'version' });
  });

  it('refuses unknown words and a flag without its value', () => {
    expect(parseArguments(['--config=/a'], false).kind).toBe('usage');
    expect(parseArguments(['-c'], false).kind).toBe('usage');
  });

  it('ignores the words that the kernel passes to PID 1', () => {
    expect(parseArguments(['single', '-x', '--version'], true)).toEqual({ kind: 'run' });
  });
});
