/** One part of a build. */
export interface Step {
  readonly id: 'base' | 'guest' | 'output';
  /** What it does, in one line. */
  readonly title: string;
  /** More lines, for `--explain`. */
  readonly details: readonly string[];
  /** How long it took when it was last done, in milliseconds; 0 when that is not known. */
  readonly expectedMs: number;
}

/** What a build tells while it runs; each is one line of `--json`. */
export type BuildEvent =
  | { readonly event: 'plan'; readonly recipe: string; readonly kind: string; readonly steps: readonly Step[] }
  | { readonly event: 'start'; readonly step: Step['id'] }
  | { readonly event: 'progress'; readonly step: Step['id']; readonly text: string; readonly fraction?: number }
  | { readonly event: 'done'; readonly step: Step['id']; readonly cached: boolean; readonly ms: number }
  | { readonly event: 'note'; readonly text: string };

export type OnBuildEvent = (event: BuildEvent) => void;
