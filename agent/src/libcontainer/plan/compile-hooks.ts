import type { HookSpec, HooksSpec, Spec } from '../../oci/spec.ts';
import type { HookBatch, HookRun, HookStateTemplate } from './launch-plan.ts';

export type HookPoint = keyof HooksSpec;

/** What the two callers of libcontainer want of hooks. */
export interface HookRules {
  /** Whether a hook that fails ends the container. Those of poststop are only ever logged (runtime-spec, "Lifecycle"). */
  readonly failures: 'fatal' | 'logged';
  /** For hooks without a timeout; 0: none. */
  readonly defaultTimeoutMs: number;
  readonly runsCreateRuntime: boolean;
  /** `status` in the state that the hooks of each point read. */
  readonly statuses: Readonly<Record<HookPoint, string>>;
}

/** runtime-spec 1.2, "Lifecycle": any failure up to poststart ends the container. */
export const runtimeHookRules: HookRules = {
  failures: 'fatal',
  defaultTimeoutMs: 0,
  runsCreateRuntime: true,
  statuses: {
    prestart: 'creating',
    createRuntime: 'creating',
    createContainer: 'creating',
    startContainer: 'created',
    poststart: 'running',
    poststop: 'stopped',
  },
};

/** The agent's hosts expect that a hook never fails a request (contract, lifecycle section 10). */
export const agentHookRules: HookRules = {
  failures: 'logged',
  defaultTimeoutMs: 10_000,
  runsCreateRuntime: false,
  statuses: {
    prestart: 'created',
    createRuntime: 'created',
    createContainer: 'created',
    startContainer: 'created',
    poststart: 'running',
    poststop: 'stopped',
  },
};

/** A hook as it is run: without arguments its path is argument 0; a timeout of 0 or less is none. */
export function compileHook(hook: HookSpec, rules: HookRules): HookRun {
  const { path, args, env, timeout } = hook;
  const timeoutMs = timeout !== undefined && timeout > 0 ? timeout * 1000 : rules.defaultTimeoutMs;
  return { path, argv: args.length > 0 ? args : [path], env, timeoutMs };
}

export interface HookPlace {
  readonly id: string;
  /** Path of the bundle, which is the working directory of all hooks but those of startContainer. */
  readonly bundle: string;
}

export function hookState(spec: Spec, place: HookPlace): HookStateTemplate {
  return { ociVersion: spec.version, id: place.id, bundle: place.bundle, annotations: [...spec.annotations] };
}

/** JSON of the state of a container (runtime-spec, "State"). */
export function hookStateText(template: HookStateTemplate, status: string, pid: number): string {
  const { ociVersion, id, bundle } = template;
  const annotations = Object.fromEntries(template.annotations);
  return JSON.stringify({ ociVersion, id, status, pid, bundle, annotations });
}

/** The hooks of one point that the new process runs itself; undefined when there are none. */
export function compileHookBatch(
  spec: Spec,
  point: 'createContainer' | 'startContainer',
  rules: HookRules,
  place: HookPlace,
): HookBatch | undefined {
  const hooks = spec.hooks[point];
  if (hooks.length === 0) return undefined;
  return {
    point,
    hooks: hooks.map((hook) => compileHook(hook, rules)),
    state: hookState(spec, place),
    status: rules.statuses[point],
    failures: rules.failures,
    cwd: point === 'startContainer' ? undefined : place.bundle,
  };
}

/** The points that the runtime runs in its own namespaces before the root is switched, in their order. */
export function runtimePoints(spec: Spec, rules: HookRules): readonly HookPoint[] {
  const points: readonly HookPoint[] = rules.runsCreateRuntime ? ['prestart', 'createRuntime'] : ['prestart'];
  return points.filter((point) => spec.hooks[point].length > 0);
}
