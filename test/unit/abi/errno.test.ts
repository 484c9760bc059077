import { execFileSync } from 'node:child_process';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { errnoName } from '../../../agent/src/abi/errno.ts';
import * as numbers from '../../../agent/src/abi/errno.ts';

describe('errnoName()', () => {
  it('gives the names Node gives', () => {
    // Two names of one number, of which the kernel's headers prefer the other.
    const aliases = new Set(['EWOULDBLOCK', 'ENOTSUP']);
    for (const [name, number] of Object.entries(constants.errno)) {
      if (!aliases.has(name)) expect(errnoName(number)).toBe(name);
    }
  });

  it('knows what the kernel knows and libc does not', () => {
    expect(errnoName(numbers.EHWPOISON)).toBe('EHWPOISON');
  });

  it.each([0, 41, 58, 134, 4095])('gives the number %i when it has no name', (number) => {
    expect(errnoName(number)).toBe(`E${number}`);
  });
});

describe('the generated tables', () => {
  it('are what the headers of this machine say', () => {
    const source = '#include <errno.h>\n#include <sys/syscall.h>\nvalue ENOENT SYS_openat2 SYS_clone3 SYS_pidfd_open\n';
    const text = execFileSync('gcc', ['-E', '-P', '-'], { input: source, encoding: 'utf8' });
    expect(/^value .*$/m.exec(text)?.[0]).toBe('value 2 437 435 434');
    expect(numbers.ENOENT).toBe(2);
  });
});
