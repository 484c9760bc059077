import type { CheckedConfiguration } from './build/check-configuration.ts';
import type { KernelComparison } from './build/precompiled/compare-kernels.ts';
import type { Coverage } from './inventory/kata-inventory.ts';
import { formatChain } from './kconfig/explain-extra.ts';

/** What `check` prints. With `isWhole` also what only follows from something else. */
export function formatCheck(checked: Omit<CheckedConfiguration, 'result'>, isWhole: boolean): string {
  const { configuration, kernelVersion, architecture, requested, allowedMissing, extras, architectureOn } = checked;
  const settable = extras.filter(({ isSettable }) => isSettable);
  const shown = isWhole ? extras : settable;
  const survived = allowedMissing.length === 0 ? 'all' : `${requested - allowedMissing.length} of`;
  return [
    `kernel ${configuration} ${kernelVersion} ${architecture}: ${survived} ${requested} requested symbols survive` +
      (checked.isOwnCompiler ? '' : " (asked with this machine's compiler, for want of the architecture's own)"),
    ...allowedMissing.map((line) => `  missing, which is allowed: ${line}`),
    `on, though no fragment asks: ${settable.length} that a fragment could set, ${extras.length - settable.length} that only follow` +
      `${isWhole ? '' : ' (--all lists them)'}, ${architectureOn} that the architecture always has`,
    ...shown.map(({ name, chain }) => `  ${name}: ${formatChain(chain)}`),
    '',
  ].join('\n');
}

/** What `compare` prints. */
export function formatComparison(compared: KernelComparison): string {
  const { objects, precompiled, differences, differentBytes, vmlinuxBytes } = compared;
  return [
    `${objects} objects, ${precompiled} of them with precompiled headers: ${differences.length} differ from those without`,
    ...differences.map(({ object, difference }) => `  ${object}: ${difference}`),
    differentBytes === undefined
      ? 'vmlinux is not as long'
      : `vmlinux: ${differentBytes} of ${vmlinuxBytes} bytes differ (its build ID has 20)`,
    '',
  ].join('\n');
}

/** What `inventory` prints. */
export function formatCoverage(coverage: Coverage, what: string): string {
  const { covered, leftOff, allowedMissing, missing } = coverage;
  return [
    `kernel ${what}: ${covered} symbols of Kata's kernel are on, ${leftOff.length} left off on purpose, ` +
      `${allowedMissing.length} not in this kernel, ${missing.length} missing`,
    ...leftOff.map((line) => `  left off: ${line}`),
    ...allowedMissing.map((line) => `  not in this kernel: ${line}`),
    ...missing.map(({ symbol, value, group }) => `  MISSING: ${symbol}=${value} (${group})`),
    '',
  ].join('\n');
}

/** Bytes as MiB with two digits. */
export function formatMebibytes(bytes: number): string {
  return `${(bytes / 1048576).toFixed(2)} MiB`;
}
