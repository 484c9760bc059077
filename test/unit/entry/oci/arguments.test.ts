import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseArguments, UsageError, type Option } from '../../../../agent/src/entry/oci/arguments.ts';

const known: readonly Option[] = [
  { name: 'bundle', aliases: ['b'], kind: 'text', about: '' },
  { name: 'detach', aliases: ['d'], kind: 'flag', about: '' },
  { name: 'tty', aliases: ['t'], kind: 'flag', about: '' },
  { name: 'env', aliases: ['e'], kind: 'list', about: '' },
  { name: 'preserve-fds', kind: 'text', about: '' },
];

const parse = (args: readonly string[], stops = false) => parseArguments(known, args, stops);

describe('the command line', () => {
  it.each([
    [['--bundle', '/x', 'id'], '/x'],
    [['--bundle=/x', 'id'], '/x'],
    [['-b', '/x', 'id'], '/x'],
    [['-bundle', '/x', 'id'], '/x'],
    [['-bundle=/x', 'id'], '/x'],
    [['id', '--bundle', '/x'], '/x'],
    [['--bundle', '/y', '--bundle', '/x', 'id'], '/x'],
    [['--bundle=', 'id'], ''],
    [['--bundle', '--detach', 'id'], '--detach'],
  ])('%j names the bundle', (args, bundle) => {
    const { options, operands } = parse(args);
    expect(options.text('bundle')).toBe(bundle);
    expect(operands).toEqual(['id']);
  });

  it.each([
    [['-d', 'id'], true],
    [['--detach', 'id'], true],
    [['--detach=true', 'id'], true],
    [['--detach=false', 'id'], false],
    [['-d=0', 'id'], false],
    [['-dt', 'id'], true],
    [['id'], false],
  ])('%j says whether to detach', (args, detach) => {
    expect(parse(args).options.has('detach')).toBe(detach);
  });

  it('repeats lists in order', () => {
    expect(parse(['-e', 'A=1', '--env=B=2', '-e', 'A=3']).options.list('env')).toEqual(['A=1', 'B=2', 'A=3']);
  });

  it('leaves the command line of another program alone', () => {
    const { options, operands } = parse(['-t', 'id', 'sh', '-c', 'ls', '--detach'], true);
    expect(operands).toEqual(['id', 'sh', '-c', 'ls', '--detach']);
    expect(options.has('detach')).toBe(false);
    expect(options.has('tty')).toBe(true);
  });

  it('takes everything after -- as it is', () => {
    expect(parse(['--', '--detach', '-']).operands).toEqual(['--detach', '-']);
    expect(parse(['-', 'x']).operands).toEqual(['-', 'x']);
  });

  it.each([
    [['--nope'], 'flag provided but not defined: --nope'],
    [['-bd'], 'flag provided but not defined: -bd'],
    [['--detach=maybe'], 'neither true nor false'],
    [['--bundle'], 'flag needs an argument: --bundle'],
    [['---bundle', 'x'], 'not defined'],
  ])('%j is refused with its words', (args, text) => {
    expect(() => parse(args)).toThrow(UsageError);
    expect(() => parse(args)).toThrow(text);
  });

  it('reads whole numbers only', () => {
    expect(parse(['--preserve-fds', '3']).options.count('preserve-fds')).toBe(3);
    expect(parse(['--preserve-fds', '-1']).options.count('preserve-fds')).toBe(-1);
    for (const bad of ['', '1.5', '0x1', '1e3', 'three', '9999999999999999'])
      expect(() => parse(['--preserve-fds', bad]).options.count('preserve-fds')).toThrow(UsageError);
    expect(parse([]).options.count('preserve-fds')).toBeUndefined();
  });

  it('never throws anything else, and loses no operand', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.constantFrom('-b', '--env', '-t', '--', '-dt'))),
        fc.boolean(),
        (args, stops) => {
          try {
            const { operands } = parse(args, stops);
            expect(args).toEqual(expect.arrayContaining([...operands]));
          } catch (error) {
            expect(error).toBeInstanceOf(UsageError);
          }
        },
      ),
    );
  });
});
