import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chartSizes, formatSizes, parseKernelSizes } from '../../../../kernel-config/src/size/format-sizes.ts';
import { loaded, parseSizeOutput, sumByDirectory } from '../../../../kernel-config/src/size/object-sizes.ts';

const OUTPUT = `   text	   data	    bss	    dec	    hex	filename
   1000	    200	     30	   1230	    4ce	net/ipv4/a.o
     10	      2	      3	     15	      f	./net/ipv4/netfilter/b.o
    500	      0	      0	    500	    1f4	arch/x86/kernel/cpu/c.o
      7	      0	   4000	   4007	    fa7	init/main.o
size: broken.o: file format not recognized
      1	      0	      0	      1	      1	top.o
`;

describe('sizes of objects', () => {
  test('are read from size(1) and added up by folder, largest first', () => {
    expect(sumByDirectory(parseSizeOutput(OUTPUT))).toEqual([
      { path: 'net/ipv4', text: 1010, data: 202, bss: 33 },
      { path: 'arch/x86', text: 500, data: 0, bss: 0 },
      { path: 'init', text: 7, data: 0, bss: 4000 },
      { path: '.', text: 1, data: 0, bss: 0 },
    ]);
  });

  test('no byte is lost or counted twice, whatever the folders', () => {
    const name = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 });
    const object = fc.record({
      path: name.map((parts) => `${parts.join('/')}/x.o`),
      text: fc.nat(),
      data: fc.nat(),
      bss: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(object), fc.integer({ min: 1, max: 3 }), (objects, levels) => {
        const sum = (list: readonly { text: number; data: number; bss: number }[]): number =>
          list.reduce((total, { text, data, bss }) => total + text + data + bss, 0);
        const folders = sumByDirectory(objects, levels);
        expect(sum(folders)).toBe(sum(objects));
        expect(new Set(folders.map(({ path }) => path)).size).toBe(folders.length);
      }),
    );
  });

  test('any text is read without an error', () => {
    fc.assert(fc.property(fc.string(), (text) => parseSizeOutput(text).every((size) => loaded(size) >= 0)));
  });

  const sizes = {
    configuration: 'lean',
    arch: 'x86_64',
    kernelVersion: '6.12.1',
    vmlinuzBytes: 4 << 20,
    vmlinuxBytes: 18 << 20,
    directories: sumByDirectory(parseSizeOutput(OUTPUT)),
  };

  test('are shown by part and by folder', () => {
    const text = formatSizes(sizes, 2);
    expect(text).toContain('kernel lean 6.12.1 x86_64: image 4.00 MiB, vmlinux 18.00 MiB');
    expect(text).toContain('| net | 1 | 70.5 |');
    expect(text).toContain('| net/ipv4 | 1 | 0 | 0 |');
    expect(text).not.toContain('| init | 0 | 0 | 4 |');
  });

  test('make a chart with one bar for each kernel', () => {
    const svg = chartSizes([sizes, { ...sizes, configuration: 'kata', directories: [] }], 3);
    expect(svg.match(/<rect /g)).toHaveLength(1 + 2 + 3 * 2);
    expect(svg).toContain('net/ipv4');
  });

  test('a file that is no report is told apart', () => {
    expect(parseKernelSizes(JSON.stringify(sizes))).toEqual(sizes);
    for (const text of ['', '{', 'null', '[]', '{"directories":1}']) expect(parseKernelSizes(text)).toBeUndefined();
  });
});
