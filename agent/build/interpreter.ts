import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const countUp = /JS_REF_COUNT\(([\w>-]+)\)\+\+/g;
const countDown = /--JS_REF_COUNT\(([\w>-]+)\)|JS_REF_COUNT\(([\w>-]+)\)--/g;
/** Another way to count than the two above. */
const otherCount =
  /JS_REF_COUNT\([^()]*\)\s*(\+\+|--|[-+]=)|(\+\+|--)\s*JS_REF_COUNT|js_rc\(\w+\)->ref_count\s*([-+]|--)/;

/**
 * The interpreter's main source with the two macros of `agent/engine/interpreter.c` where it counts references. It is there for the
 * moment of a build only. Throws when it counts in a way we do not know: a place that was missed could free what is immortal.
 */
export function countedInterpreter(quickjs: string): string {
  const source = readFileSync(join(quickjs, 'quickjs.c'), 'utf8');
  const counted = source.replace(countUp, 'JS_COUNT_UP($1)').replace(countDown, 'JS_COUNT_DOWN($1$2)');
  if (!counted.includes('JS_COUNT_UP') || !counted.includes('JS_COUNT_DOWN') || otherCount.test(counted))
    throw new Error('this qjs-src counts references in another way: look at agent/build/interpreter.ts');
  return counted;
}
