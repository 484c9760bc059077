import { expect, test } from 'vitest';
import { kernelVersionOf } from '../../../../host/build/built-guest.ts';

test.each([
  ['6.12.90', 'Linux version 6.12.90-kihon (someone@somewhere) (gcc)'],
  ['6.12.90', 'Linux version %s (%s)\0...Linux version 6.12.90-kihon-lean #1'],
  ['7.0.1-rc2', 'Linux version 7.0.1-rc2 #1 SMP'],
  [undefined, 'no banner'],
  [undefined, 'Linux version '],
])('the release of a kernel is %s', (release, text) => {
  expect(kernelVersionOf(Buffer.from(`\x7fELF\0\0${text}`))).toBe(release);
});
