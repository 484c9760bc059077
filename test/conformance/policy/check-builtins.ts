/**
 * Optional: what the unit tests say of the language's functions, asked of OPA's program.
 *
 *     npx tsx test/conformance/policy/check-builtins.ts OPA
 */
import { execFileSync } from 'node:child_process';
import { isDeepStrictEqual } from 'node:util';
import { builtinCases } from '../../unit/policy/builtin-cases.ts';

const [opa = 'opa'] = process.argv.slice(2);
let wrong = 0;
for (const [expression, expected] of builtinCases) {
  let found: unknown;
  try {
    const output = execFileSync(opa, ['eval', '--format', 'json', `x := ${expression}`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const { result } = JSON.parse(output.toString()) as { result?: { bindings: { x: unknown } }[] };
    found = result?.[0]?.bindings.x;
  } catch {
    // Refused by OPA's type checker before it runs.
  }
  if (isDeepStrictEqual(found, expected)) continue;
  wrong++;
  process.stdout.write(`${expression}: OPA ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}\n`);
}
process.stdout.write(`${builtinCases.length} expressions, ${wrong} differ from OPA\n`);
process.exitCode = wrong === 0 ? 0 : 1;
