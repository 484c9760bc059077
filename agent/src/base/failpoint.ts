/** Replaced by the bundler: true in a test build only, so that a release holds none of this (agent/build/bundle.ts). */
declare const __FAILPOINTS__: boolean;

/** What a failpoint does when it is reached. */
export type FailpointAction = () => void;

let armed = '';

const actions = new Map<string, FailpointAction>();

/** Arms a failpoint; does nothing in a release. */
export function armFailpoint(name: string, action: FailpointAction): void {
  if (typeof __FAILPOINTS__ !== 'undefined' && __FAILPOINTS__) actions.set(name, action);
}

/**
 * A named place where a test can make things go wrong: throw, abort, run out of memory, pause. Compiled out of a release, and a
 * test proves it.
 */
export function failpoint(name: string): void {
  if (typeof __FAILPOINTS__ !== 'undefined' && __FAILPOINTS__) actions.get(name)?.();
}

/** Remembers what was armed, for the programs this one starts. */
export function rememberFailpoints(text: string): void {
  if (typeof __FAILPOINTS__ !== 'undefined' && __FAILPOINTS__) armed = text;
}

/** The environment that arms the same failpoints in a program of ours; empty in a release. */
export function initEnvironment(): string[] {
  return typeof __FAILPOINTS__ !== 'undefined' && __FAILPOINTS__ ? [`KIHON_FAILPOINTS=${armed}`] : [];
}
