import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { encodeDeviceNumber } from '../../../../agent/src/abi/structs/device-number.ts';

it.each([
  ['/dev/null', 1, 3, 0x103],
  ['/dev/tty', 5, 0, 0x500],
  ['the last minor of one byte', 8, 255, 0x8ff],
  ['a minor beyond one byte', 8, 256, 0x100800],
  ['the largest minor', 0, 0xfffff, 0xfff000ff],
  ['the largest of all', 0xfff, 0xfffff, 0xffffffff],
])('encodeDeviceNumber() of %s', (_, major, minor, encoded) => {
  expect(encodeDeviceNumber(major, minor)).toBe(encoded);
});

it('encodeDeviceNumber() agrees with makedev(3) as far as the kernel looks', () => {
  const numbers = [0, 1, 7, 254, 255, 256, 4095];
  const pairs = numbers.flatMap((major) => [0, 1, 255, 256, 65535, 0xfffff].map((minor) => [major, minor] as const));
  const program = `import os\nfor a, b in ${JSON.stringify(pairs)}: print(os.makedev(a, b) & 0xffffffff)`;
  let text: string;
  try {
    text = execFileSync('python3', ['-c', program], { encoding: 'utf8' });
  } catch {
    return; // no Python here: the table above is the test
  }
  expect(pairs.map(([major, minor]) => encodeDeviceNumber(major, minor))).toEqual(text.trim().split('\n').map(Number));
});
