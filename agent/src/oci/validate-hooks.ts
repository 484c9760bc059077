import { invalidArgument } from '../base/errors.ts';
import { pathNames } from '../base/guest-path.ts';
import type { HookSpec, Spec } from './spec.ts';

/** More would only be a way to keep the runtime busy. */
const maxHooks = 1000;

function checkHook(hook: HookSpec, field: string): void {
  // `..` is legal: the kernel resolves the path when the hook is executed.
  pathNames(hook.path.replaceAll('..', '_'), `${field}.path`);
  hook.env.forEach((entry, index) => {
    if (entry.indexOf('=') < 1) throw invalidArgument(`${field}.env[${index}]`, 'is not of the form NAME=value');
  });
  if (hook.timeout !== undefined && !(hook.timeout > 0))
    throw invalidArgument(`${field}.timeout`, `${hook.timeout} is not above zero`);
}

/** Hooks are absolute paths with an environment of their own (config.md, "POSIX-platform Hooks"). */
export function checkHookFields(spec: Spec): void {
  for (const [point, hooks] of Object.entries(spec.hooks) as [string, readonly HookSpec[]][]) {
    if (hooks.length === 0) continue;
    if (hooks.length > maxHooks)
      throw invalidArgument(`hooks.${point}`, `${hooks.length} hooks, at most ${maxHooks} are accepted`);
    hooks.forEach((hook, index) => checkHook(hook, `hooks.${point}[${index}]`));
  }
}
