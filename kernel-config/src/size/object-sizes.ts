/** Bytes of one object file as size(1) counts them: `text` has the constants too. */
export interface ObjectSize {
  readonly path: string;
  readonly text: number;
  readonly data: number;
  readonly bss: number;
}

/** The objects of one folder together; `path` has at most two levels, such as `net/ipv4`. */
export type DirectorySize = ObjectSize;

/** Reads what `size --format=berkeley` prints; lines of another form are passed over. */
export function parseSizeOutput(output: string): ObjectSize[] {
  const sizes: ObjectSize[] = [];
  for (const line of output.split('\n')) {
    const match = /^ *(\d+)[ \t]+(\d+)[ \t]+(\d+)[ \t]+\d+[ \t]+[0-9a-f]+[ \t]+(\S.*)$/.exec(line);
    if (!match) continue;
    sizes.push({
      path: (match[4] ?? '').replace(/^\.\//, ''),
      text: Number(match[1]),
      data: Number(match[2]),
      bss: Number(match[3]),
    });
  }
  return sizes;
}

/** Adds up the objects of each folder, largest first. `arch/x86/kernel/cpu/a.o` belongs to `arch/x86`. */
export function sumByDirectory(objects: readonly ObjectSize[], levels = 2): DirectorySize[] {
  const sums = new Map<string, { text: number; data: number; bss: number }>();
  for (const { path, text, data, bss } of objects) {
    const folders = path.split('/').slice(0, -1);
    const key = folders.slice(0, levels).join('/') || '.';
    const sum = sums.get(key) ?? { text: 0, data: 0, bss: 0 };
    sums.set(key, { text: sum.text + text, data: sum.data + data, bss: sum.bss + bss });
  }
  return [...sums]
    .map(([path, sum]) => ({ path, ...sum }))
    .sort((a, b) => loaded(b) - loaded(a) || (a.path < b.path ? -1 : 1));
}

/** What a folder puts into the image: everything but the zeros. */
export function loaded({ text, data }: ObjectSize): number {
  return text + data;
}
