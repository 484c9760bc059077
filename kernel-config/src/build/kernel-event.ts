import type { KernelRecord } from './finished-kernel.ts';

/** What a build or check tells while it goes on; `--json` prints them, one a line. */
export type KernelEvent =
  | { readonly event: 'unpacking'; readonly source: string }
  | { readonly event: 'patching'; readonly patch: string }
  | {
      readonly event: 'configured';
      readonly configuration: string;
      readonly architecture: string;
      readonly kernelVersion: string;
      readonly requested: number;
      /** Requests that were lost and may be, as `SYMBOL: reason`. */
      readonly allowedMissing: readonly string[];
    }
  | { readonly event: 'building'; readonly kernelVersion: string; readonly jobs: number; readonly objects: string }
  | {
      readonly event: 'progress';
      readonly steps: number;
      readonly expectedSteps: number;
      readonly elapsedMs: number;
    }
  | {
      /** How many objects had their headers compiled before, and how many the compiler refused them. */
      readonly event: 'precompiled';
      readonly objects: number;
      readonly refused: number;
    }
  | { readonly event: 'not-precompiled'; readonly reason: string }
  | {
      readonly event: 'finished';
      readonly isFromCache: boolean;
      readonly record: KernelRecord;
      readonly files: readonly string[];
    };

/** Takes events. It must not throw. */
export type KernelReport = (event: KernelEvent) => void;
