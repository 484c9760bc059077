import { describe, expect, it } from 'vitest';
import { parseArguments, UsageError } from '../../../../agent/src/entry/oci/arguments.ts';
import { explainError } from '../../../../agent/src/entry/oci/explain-error.ts';
import { formatLogLine } from '../../../../agent/src/entry/oci/log-line.ts';
import { selectProcesses } from '../../../../agent/src/entry/oci/ps-table.ts';
import { signalNumber } from '../../../../agent/src/entry/oci/signal-number.ts';
import { formatTable } from '../../../../agent/src/entry/oci/table.ts';
import { limitOptions, parseSize, resourcesFromOptions } from '../../../../agent/src/entry/oci/update-resources.ts';
import { DomainError } from '../../../../agent/src/base/errors.ts';
import { SysError } from '../../../../agent/src/base/sys-error.ts';
import { emptyResources } from '../../../../agent/src/oci/spec.ts';

describe('signal numbers', () => {
  it.each([
    ['KILL', 9],
    ['SIGKILL', 9],
    ['sigterm', 15],
    ['15', 15],
    ['0', 0],
    ['64', 64],
    ['SYS', 31],
    ['IOT', 6],
    ['SIGPOLL', 29],
    ['RTMIN', 34],
    ['SIGRTMIN+3', 37],
    ['RTMAX-1', 63],
    ['SIGRTMAX', 64],
  ])('%s is %i', (text, number) => {
    expect(signalNumber(text)).toBe(number);
  });

  it.each(['', 'SIG', 'NOPE', '65', '-9', '9.0', 'RTMIN+31', 'RTMAX+1', 'KILL ', '00009'])('%j is refused', (text) => {
    expect(() => signalNumber(text)).toThrow(UsageError);
  });
});

describe('the table of list', () => {
  it('pads columns as runc does', () => {
    expect(
      formatTable([
        ['ID', 'PID', 'OWNER'],
        ['a-long-container', '1', 'root'],
      ]),
    ).toBe('ID                 PID         OWNER\na-long-container   1           root\n');
  });
});

describe('log lines', () => {
  const time = '2026-01-02T03:04:05Z';

  it('are JSON that containerd reads', () => {
    const line = formatLogLine('json', 'error', 'it "broke"\n', time);
    expect(line.endsWith('\n')).toBe(true);
    expect(line.trimEnd()).not.toContain('\n');
    expect(JSON.parse(line)).toEqual({ level: 'error', msg: 'it "broke"\n', time });
  });

  it('are text in the form of runc', () => {
    expect(formatLogLine('text', 'warning', 'a "b"', time)).toBe(`time="${time}" level=warning msg="a \\"b\\""\n`);
  });
});

describe('error texts', () => {
  it('have the words that callers look for', () => {
    const cause = new SysError('execve', 2, 'ENOENT', '/bin/nope');
    expect(explainError(new DomainError('internal', 'container c1', cause))).toBe(
      'container c1: execve /bin/nope: ENOENT (no such file or directory)',
    );
    expect(explainError(new SysError('open', 13, 'EACCES', 'x'))).toContain('permission denied');
    expect(explainError(null)).toBe('out of memory');
  });

  it('leave other capital words alone', () => {
    expect(explainError(new Error('EVERYTHING is fine'))).toBe('EVERYTHING is fine');
  });
});

describe('the processes of ps', () => {
  it('are those of the container', () => {
    const output = 'UID   PID  PPID CMD\nroot    1     0 init\nroot   12     1 sh\nroot  121     1 sh';
    expect(selectProcesses(output, [12])).toBe('UID   PID  PPID CMD\nroot   12     1 sh\n');
  });

  it('need a column of numbers', () => {
    expect(() => selectProcesses('USER CMD\nroot sh', [1])).toThrow("couldn't find PID field in ps output");
  });
});

describe('limits of update', () => {
  const read = (...args: string[]) => resourcesFromOptions(parseArguments(limitOptions, args, false).options);

  it.each([
    ['512', 512n],
    ['64m', 64n << 20n],
    ['64M', 64n << 20n],
    ['2GiB', 2n << 30n],
    ['1.5g', 3n << 29n],
    ['10kb', 10n << 10n],
    ['-1', -1n],
  ])('%s is a size', (text, bytes) => {
    expect(parseSize(text, 'memory')).toBe(bytes);
  });

  it.each(['', 'm', '-2', '1x', '1.5.5g', '9999999999999999999g', '0x10'])('%j is no size', (text) => {
    expect(() => parseSize(text, 'memory')).toThrow(UsageError);
  });

  it('mention only what was given', () => {
    expect(read()).toEqual(emptyResources);
    expect(read('--pids-limit', '20')).toEqual({ ...emptyResources, pids: 20n });
    expect(read('--memory', '0')).toEqual(emptyResources);
    expect(read('--memory-swap', '-1').memory?.swap).toBe(-1n);
    expect(read('--cpu-quota', '-1', '--cpuset-cpus', '0-1').cpu).toMatchObject({
      quota: -1n,
      cpus: '0-1',
      shares: undefined,
    });
    expect(read('--blkio-weight', '500').blockIo?.weight).toBe(500);
  });

  it('refuse nonsense', () => {
    expect(() => read('--blkio-weight', '5')).toThrow(UsageError);
    expect(() => read('--cpu-share', 'many')).toThrow(UsageError);
  });
});
