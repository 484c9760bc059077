import { type BarRow, barChart } from '../chart/bar-chart.ts';
import { type DirectorySize, loaded, sumByDirectory } from './object-sizes.ts';

/** What `sizes.json` beside a kernel holds. */
export interface KernelSizes {
  readonly configuration: string;
  readonly arch: string;
  readonly kernelVersion: string;
  readonly vmlinuzBytes: number;
  readonly vmlinuxBytes: number;
  readonly directories: readonly DirectorySize[];
}

const MIB = 1024 * 1024;

/** Reads `sizes.json`; undefined when it is none. */
export function parseKernelSizes(text: string): KernelSizes | undefined {
  try {
    const value = JSON.parse(text) as Partial<KernelSizes> | null;
    return value !== null && Array.isArray(value.directories) && typeof value.configuration === 'string'
      ? (value as KernelSizes)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Tables: the parts of the kernel, and the largest folders in them. */
export function formatSizes(sizes: KernelSizes, top: number): string {
  const parts = sumByDirectory(
    sizes.directories.map((each) => ({ ...each, path: `${each.path}/` })),
    1,
  );
  const total = parts.reduce((sum, part) => sum + loaded(part), 0);
  return [
    `kernel ${sizes.configuration} ${sizes.kernelVersion} ${sizes.arch}: image ${mebibytes(sizes.vmlinuzBytes)}, ` +
      `vmlinux ${mebibytes(sizes.vmlinuxBytes)}, objects ${mebibytes(total)}`,
    '',
    '| part | KiB | % |',
    '| --- | --- | --- |',
    ...parts.map((part) => `| ${part.path} | ${kibibytes(part)} | ${((100 * loaded(part)) / total).toFixed(1)} |`),
    '',
    '| folder | code and constants KiB | data KiB | zeros KiB |',
    '| --- | --- | --- | --- |',
    ...sizes.directories
      .slice(0, top)
      .map(({ path, text, data, bss }) => `| ${path} | ${round(text)} | ${round(data)} | ${round(bss)} |`),
    '',
  ].join('\n');
}

/** The largest folders of one or more kernels as a chart. */
export function chartSizes(kernels: readonly KernelSizes[], top: number): string {
  const first = kernels[0];
  const paths = (first?.directories ?? []).slice(0, top).map(({ path }) => path);
  const rows: BarRow[] = paths.map((path) => ({
    label: path,
    values: kernels.map(({ directories }) => {
      const folder = directories.find((each) => each.path === path);
      return folder ? loaded(folder) / 1024 : 0;
    }),
  }));
  return barChart({
    title: `Where the bytes are: ${first?.arch ?? ''}, the ${rows.length} largest folders of ${first?.configuration ?? 'none'}`,
    unit: 'KiB before compression',
    series: kernels.map(({ configuration, vmlinuzBytes }) => `${configuration} (image ${mebibytes(vmlinuzBytes)})`),
    rows,
  });
}

function mebibytes(bytes: number): string {
  return `${(bytes / MIB).toFixed(2)} MiB`;
}

function kibibytes(part: DirectorySize): string {
  return round(loaded(part));
}

function round(bytes: number): string {
  return (bytes / 1024).toFixed(0);
}
