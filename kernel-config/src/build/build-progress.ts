/** A line of make's short output that stands for finished work: two blanks, a capital verb, a target. */
const STEP = /^ {2}[A-Z][A-Z0-9_ .[\]]* +\S/;

/** Whether a line of make's output is one build step. */
export function isBuildStep(line: string): boolean {
  return STEP.test(line) && !/^ {2}(?:SYNC|CALL|CHK|DESCEND|GEN|UPD) /.test(line);
}

/** What there is to tell about a running build. */
export interface ProgressReport {
  readonly steps: number;
  /** 0 to 1; never above 0.99 before the end, since the total is an estimate. */
  readonly fraction: number;
  readonly elapsedMs: number;
  /** Undefined until enough was done to extrapolate. */
  readonly remainingMs: number | undefined;
}

/** Below this share of the work an extrapolation says more about the first directory than about the rest. */
const MIN_FRACTION = 0.03;

/**
 * Estimates from the steps done, the total recorded by an earlier build and the time passed. An incremental build
 * does fewer steps than recorded; it then simply ends early.
 */
export function estimateProgress(steps: number, expectedSteps: number, elapsedMs: number): ProgressReport {
  const fraction = Math.min(0.99, steps / Math.max(1, expectedSteps));
  const remainingMs = fraction < MIN_FRACTION ? undefined : (elapsedMs / fraction) * (1 - fraction);
  return { steps, fraction, elapsedMs, remainingMs };
}

/** The report as one line: `kernel lean  42 % (630/1500)  3:10 gone, about 4:20 to go`. */
export function formatProgress(label: string, expectedSteps: number, report: ProgressReport): string {
  const percent = String(Math.floor(report.fraction * 100)).padStart(3);
  const remaining = report.remainingMs === undefined ? '' : `, about ${formatMinutes(report.remainingMs)} to go`;
  const counted = `(${report.steps}/${Math.max(expectedSteps, report.steps)})`;
  return `${label} ${percent} % ${counted}  ${formatMinutes(report.elapsedMs)} gone${remaining}`;
}

/** Minutes and seconds, `m:ss`. */
export function formatMinutes(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
