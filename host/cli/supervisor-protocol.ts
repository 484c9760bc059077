import type { SandboxOptions } from '../sdk/sandbox-options.ts';
import type { Accelerator } from '../vm/accelerator.ts';

/** What `kihon run -d` writes to its supervisor's standard input. */
export interface SupervisorRequest {
  readonly options: SandboxOptions;
  readonly timeoutMs: number | undefined;
}

/** What the supervisor answers on descriptor 3, a JSON line each; the last is `started` or `failed`. */
export type SupervisorReport =
  | { readonly kind: 'accelerator'; readonly accelerator: Accelerator }
  | { readonly kind: 'phase'; readonly phase: string; readonly ms: number }
  | { readonly kind: 'started'; readonly name: string }
  | { readonly kind: 'failed'; readonly message: string };

/** The descriptor of the reports. */
export const REPORT_FD = 3;

/** The hidden command by which kihon starts itself as a supervisor. */
export const SUPERVISE_COMMAND = '__supervise';
