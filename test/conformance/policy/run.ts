/**
 * Optional: Kata's own rules for generated policies and the requests of its tests, on our engine.
 *
 *     npx tsx test/conformance/policy/run.ts KATA_CHECKOUT [OPA]
 *
 * Reads `src/tools/genpolicy` of a checkout. Data of containers comes from Kata's generator, which needs a registry; here it is derived from
 * the first requests that a test expects to be allowed. So the expectations of the tests hold as far as they do not depend on what
 * the generator reads from an image; where OPA's program is given, it decides the same requests with the same policy and state, and must agree.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { applyPatch } from '../../../agent/src/policy/json-patch.ts';
import { Policy } from '../../../agent/src/policy/policy.ts';
import { printText } from '../../../agent/src/policy/print-text.ts';
import { compareValues } from '../../../agent/src/policy/value/compare.ts';
import { fromJson } from '../../../agent/src/policy/value/from-json.ts';
import { toJsonText } from '../../../agent/src/policy/value/to-text.ts';
import { isArray, isObject } from '../../../agent/src/policy/value/value.ts';
import type { RegoObject, Value } from '../../../agent/src/policy/value/value.ts';
import { containersOf } from './derive-containers.ts';
import { inputFromRecord } from './request-from-json.ts';
import type { TestCase } from './derive-containers.ts';

/** What is shown of a decision that a test did not expect. */
const LAST_PRINTS = 4;

const [checkout, opa] = process.argv.slice(2);
if (checkout === undefined) {
  process.stderr.write('usage: run.ts KATA_CHECKOUT [OPA]\n');
  process.exit(2);
}
const generator = join(checkout, 'src/tools/genpolicy');
const testdata = join(generator, 'tests/policy/testdata');
const rules = readFileSync(join(generator, 'rules.rego'), 'utf8');
const settings = JSON.parse(readFileSync(join(generator, 'genpolicy-settings.json'), 'utf8')) as Record<
  string,
  unknown
>;

function foldersWithCases(folder: string): string[] {
  const below = readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isDirectory())
    .flatMap(foldersWithCases);
  return readdirSync(folder).includes('testcases.json') ? [folder, ...below] : below;
}

function must(json: unknown): Value {
  const value = fromJson(json);
  if (value === undefined) throw new Error('not JSON');
  return value;
}

/** What OPA's program says about the same question. */
function askOpa(program: string, folder: string, rule: string, input: Value, state: RegoObject): Value | undefined {
  writeFileSync(join(folder, 'input.json'), toJsonText(input));
  writeFileSync(join(folder, 'data.json'), toJsonText(state));
  const files = ['-d', join(folder, 'policy.rego'), '-d', join(folder, 'data.json'), '-i', join(folder, 'input.json')];
  const query = [`data.agent_policy.${rule}`, '--v0-compatible', '--format', 'json'];
  const output = execFileSync(program, ['eval', ...files, ...query], { stdio: ['ignore', 'pipe', 'ignore'] });
  const { result } = JSON.parse(output.toString()) as { result?: { expressions: { value: unknown }[] }[] };
  const [expression] = result?.[0]?.expressions ?? [];
  return expression === undefined ? undefined : must(expression.value);
}

function shown(value: Value | undefined): string {
  return value === undefined ? 'undefined' : toJsonText(value);
}

function isAllowed(value: Value | undefined): boolean {
  return value === true || (value !== undefined && isObject(value) && value.get('allowed') === true);
}

let cases = 0;
let expected = 0;
let agreed = 0;
let mostSteps = 0;
const folder = mkdtempSync(join(tmpdir(), 'kihon-policy-'));
try {
  for (const path of foldersWithCases(testdata)) {
    const tests = JSON.parse(readFileSync(join(path, 'testcases.json'), 'utf8')) as TestCase[];
    const data = { ...settings, containers: containersOf(tests, settings) };
    const text = `${rules}\npolicy_data := ${JSON.stringify(data, null, 2)}\n`;
    writeFileSync(join(folder, 'policy.rego'), text);
    const policy = Policy.parse('policy.rego', text);
    let state = must({ pstate: {} }) as RegoObject;
    const notes: string[] = [];
    for (const { kind, request, allowed, description } of tests) {
      const input = inputFromRecord(kind, request);
      const { value, steps, prints } = policy.query(kind, () => input, state);
      mostSteps = Math.max(mostSteps, steps);
      cases++;
      if (isAllowed(value) === allowed) expected++;
      else {
        const last = prints.slice(-LAST_PRINTS).map((print) => `    ${printText('policy.rego', print)}`.slice(0, 400));
        notes.push(`  ${isAllowed(value) ? 'allowed' : 'denied'}: ${description}`, ...last);
      }
      if (opa !== undefined) {
        const other = askOpa(opa, folder, kind, input, state);
        const isSame = value === undefined || other === undefined ? value === other : compareValues(value, other) === 0;
        if (isSame) agreed++;
        else notes.push(`  DIFFERS FROM OPA: ${description}: ${shown(value)}, OPA ${shown(other)}`);
      }
      const ops = value !== undefined && isObject(value) ? value.get('ops') : undefined;
      if (ops === undefined || !isArray(ops)) continue;
      const patched = applyPatch(state, ops);
      if (typeof patched === 'string') notes.push(`  state: ${patched}`);
      else if (isObject(patched.document)) state = patched.document;
    }
    process.stdout.write(
      `${relative(testdata, path)}: ${tests.length} requests\n${notes.map((note) => `${note}\n`).join('')}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}
process.stdout.write(`${cases} requests, ${expected} decided as the tests expect, at most ${mostSteps} steps\n`);
if (opa !== undefined) process.stdout.write(`${agreed} decided exactly as OPA does\n`);
process.exitCode = opa !== undefined && agreed < cases ? 1 : 0;
