import { describe, expect, it } from 'vitest';
import {
  agentHookRules,
  compileHook,
  compileHookBatch,
  hookState,
  hookStateText,
  runtimeHookRules,
  runtimePoints,
} from '../../../../agent/src/libcontainer/plan/compile-hooks.ts';
import type { HookSpec, HooksSpec, Spec } from '../../../../agent/src/oci/spec.ts';
import { sampleSpec } from '../../oci/sample-spec.ts';

const hook = (more: Partial<HookSpec> = {}): HookSpec => ({
  path: '/h',
  args: [],
  env: [],
  timeout: undefined,
  ...more,
});

const none: HooksSpec = {
  prestart: [],
  createRuntime: [],
  createContainer: [],
  startContainer: [],
  poststart: [],
  poststop: [],
};

const withHooks = (hooks: Partial<HooksSpec>): Spec => ({ ...sampleSpec({}), hooks: { ...none, ...hooks } });
const place = { id: 'c1', bundle: '/b' };

describe('compileHook()', () => {
  it('takes arguments and environment as they are; the path is argument 0 where there are none', () => {
    expect(compileHook(hook({ args: ['a', 'b'], env: ['X=1'], timeout: 2 }), runtimeHookRules)).toEqual({
      path: '/h',
      argv: ['a', 'b'],
      env: ['X=1'],
      timeoutMs: 2000,
    });
    expect(compileHook(hook(), runtimeHookRules).argv).toEqual(['/h']);
  });

  it('has no timeout for the runtime command and 10 s for the agent where the hook has none', () => {
    for (const timeout of [undefined, 0, -1]) {
      expect(compileHook(hook({ timeout }), runtimeHookRules).timeoutMs).toBe(0);
      expect(compileHook(hook({ timeout }), agentHookRules).timeoutMs).toBe(10_000);
    }
  });
});

describe('compileHookBatch()', () => {
  it('is nothing without hooks', () => {
    expect(compileHookBatch(withHooks({}), 'createContainer', runtimeHookRules, place)).toBeUndefined();
  });

  it('runs in the bundle before the root is switched, and where the process is after it', () => {
    const spec = withHooks({ createContainer: [hook()], startContainer: [hook()] });
    expect(compileHookBatch(spec, 'createContainer', runtimeHookRules, place)).toMatchObject({
      cwd: '/b',
      status: 'creating',
      failures: 'fatal',
    });
    expect(compileHookBatch(spec, 'startContainer', agentHookRules, place)).toMatchObject({
      cwd: undefined,
      status: 'created',
      failures: 'logged',
    });
  });
});

describe('runtimePoints()', () => {
  const spec = withHooks({ prestart: [hook()], createRuntime: [hook()], poststop: [hook()] });

  it('are the two before the root is switched, of which the agent has one', () => {
    expect(runtimePoints(spec, runtimeHookRules)).toEqual(['prestart', 'createRuntime']);
    expect(runtimePoints(spec, agentHookRules)).toEqual(['prestart']);
    expect(runtimePoints(withHooks({}), runtimeHookRules)).toEqual([]);
  });
});

describe('hookStateText()', () => {
  it('is the state of the specification', () => {
    const spec: Spec = { ...withHooks({}), annotations: new Map([['__proto__', 'x']]) };
    const text = hookStateText(hookState(spec, place), 'creating', 7);
    expect(text).toBe(
      `{"ociVersion":${JSON.stringify(spec.version)},"id":"c1","status":"creating","pid":7,"bundle":"/b","annotations":{"__proto__":"x"}}`,
    );
  });
});
