import type { HookSpec, HooksSpec } from '../spec.ts';
import { int32 } from './integer-range.ts';
import type { JsonObject } from './json-object.ts';
import { knownKeys } from './json-object.ts';

const points = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const;
const pointKeys = knownKeys(...points);
const hookKeys = knownKeys('path', 'args', 'env', 'timeout');

function hook(entry: JsonObject): HookSpec {
  return {
    path: entry.requiredString('path'),
    args: entry.strings('args'),
    env: entry.strings('env'),
    timeout: entry.integer('timeout', int32),
  };
}

/** `hooks` (config.md, "POSIX-platform Hooks"). */
export function hooks(spec: JsonObject): HooksSpec {
  const section = spec.object('hooks', pointKeys);
  const at = (point: (typeof points)[number]): readonly HookSpec[] => section?.objects(point, hookKeys, hook) ?? [];
  return {
    prestart: at('prestart'),
    createRuntime: at('createRuntime'),
    createContainer: at('createContainer'),
    startContainer: at('startContainer'),
    poststart: at('poststart'),
    poststop: at('poststop'),
  };
}
