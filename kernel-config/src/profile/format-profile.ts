import type { BootProfile } from './boot-log.ts';
import { sumBySubsystem } from './initcall-subsystem.ts';

/** Times of boots without instruments, in milliseconds. */
export interface PlainBoot {
  /** Kernel clock when the first program was started. */
  readonly kernelMs: number;
  /** From starting QEMU to the same moment, seen from the host. */
  readonly wallMs: number;
}

/** Longest text of a log line in the table. */
const TEXT_WIDTH = 58;

/** The profile as Markdown tables, ready for `docs/kernels.md`. */
export function formatProfile(plain: readonly PlainBoot[], profile: BootProfile, top: number): string {
  const kernel = plain.map(({ kernelMs }) => kernelMs);
  const wall = plain.map(({ wallMs }) => wallMs);
  const initcallSum = profile.initcalls.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return [
    '| | best ms | median ms |',
    '| --- | --- | --- |',
    `| kernel: clock start to first program (${plain.length} boots) | ${best(kernel)} | ${median(kernel)} |`,
    `| QEMU start to first program | ${best(wall)} | ${median(wall)} |`,
    '',
    `With initcall_debug: first program at ${round(profile.initAtMs ?? Number.NaN)} ms, initcalls ${round(initcallSum)} ms together.`,
    '',
    '| initcalls of | ms | calls |',
    '| --- | --- | --- |',
    ...sumBySubsystem(profile.initcalls).map(
      ({ name, durationMs, calls }) => `| ${name} | ${round(durationMs)} | ${calls} |`,
    ),
    '',
    '| initcall | ms |',
    '| --- | --- |',
    ...profile.initcalls.slice(0, top).map(({ name, durationMs }) => `| ${name} | ${round(durationMs)} |`),
    '',
    '| outside initcalls, between | and | ms |',
    '| --- | --- | --- |',
    ...profile.gaps
      .slice(0, top)
      .map(({ durationMs, after, before }) => `| ${cell(after.text)} | ${cell(before.text)} | ${round(durationMs)} |`),
    '',
  ].join('\n');
}

/** Middle value; the lower of the two middle ones for an even count. */
export function median(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  return round(sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN);
}

function best(values: readonly number[]): string {
  return round(Math.min(...values));
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}

function cell(text: string): string {
  const short = text.length > TEXT_WIDTH ? `${text.slice(0, TEXT_WIDTH)}...` : text;
  return short.replaceAll('|', '\\|');
}
