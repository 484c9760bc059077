/** The reader of config.json inside the engine: its JSON.parse, its stack and its numbers are not Node's. */
import { describeError, DomainError } from '../../../agent/src/base/errors.ts';
import { defaultSpecJson } from '../../../agent/src/oci/default-spec.ts';
import { parseExactJson } from '../../../agent/src/oci/from-json/exact-json.ts';
import { specFromJson } from '../../../agent/src/oci/from-json/spec-from-json.ts';
import { bundleRules } from '../../../agent/src/oci/spec-rules.ts';
import { validateSpec } from '../../../agent/src/oci/validate.ts';
import { check, checkEqual, checkThrows, runChecks } from '../../support/engine/checks.ts';

const facts = { bundle: '/b' };
const sample = defaultSpecJson();

/** A text made of JSON's own pieces, from a generator that gives every run the same ones. */
function texts(count: number): readonly string[] {
  const tokens = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"\\u00e9"',
    '1',
    '-0',
    '01',
    '1.',
    '1e5',
    '.5',
    'null',
    'tru',
    ' ',
  ];
  const more = [
    '\n',
    '"',
    '\\',
    "'a'",
    '+1',
    '0x1',
    '//',
    '\u00a0',
    '\ufeff',
    '\v',
    'NaN',
    '"\t"',
    '"\\v"',
    '1_0',
    'undefined',
  ];
  const all = [...tokens, ...tokens, ...more];
  let state = 12345;
  const random = (bound: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % bound;
  };
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + random(6) }, () => all[random(all.length)] ?? '').join(''),
  );
}

function outcome(parse: () => unknown): string {
  try {
    return `value ${JSON.stringify(parse())}`;
  } catch {
    return 'error';
  }
}

function agreementChecks(): void {
  const different = texts(30_000).filter((text) => {
    const native = outcome(() => JSON.parse(text));
    let exact: string;
    try {
      exact = `value ${JSON.stringify(parseExactJson(text, 'x'))}`;
    } catch (error) {
      // The one difference that is meant.
      if (describeError(error).includes('is given twice')) return false;
      exact = 'error';
    }
    return native !== exact;
  });
  checkEqual('both parsers accept the same texts', different.slice(0, 10), []);
}

function refusal(text: string): unknown {
  try {
    return specFromJson(text, facts);
  } catch (error) {
    return error;
  }
}

function run(): void {
  const { value, warnings } = specFromJson(sample, facts);
  checkEqual('the default configuration is read', [value.root.path, warnings], ['/b/rootfs', []]);
  checkEqual('and passes validation', validateSpec(value, bundleRules), []);
  const big = specFromJson(sample.replace('1024', '18446744073709551615'), facts).value.process.rlimits[0];
  check('a limit of 64 bits is exact', big?.hard === 18446744073709551615n || big?.soft === 18446744073709551615n);
  agreementChecks();
  for (const depth of [100, 5000, 100_000])
    for (const [open, close] of [
      ['[', ']'],
      ['{"x":', '}'],
    ] as const)
      checkThrows(
        `${depth} levels of ${open} are one error`,
        () => specFromJson(sample.replace('{', `{"y": ${open.repeat(depth)}1${close.repeat(depth)},`), facts),
        'nested deeper than 64 levels',
      );
  const mounts = Array.from({ length: 100_000 }, (_, index) => `{"destination":"/m${index}","type":"tmpfs"}`).join(',');
  const many = sample.replace('"mounts": [', `"mounts": [${mounts},`);
  checkThrows('100,000 mounts are one error', () => specFromJson(many, facts), 'mounts: 100007 entries, at most');
  checkThrows('5 MiB are one error', () => specFromJson(' '.repeat(5 << 20), facts), 'bytes, at most');
  for (const piece of ['[],', '{},', '1e9,', '"a",', '9007199254740993,']) {
    const list = piece.repeat(Math.floor((4 << 20) / piece.length) - 10);
    check(`4 MiB of ${piece} are an error of ours`, refusal(`{"x":[${list}1]}`) instanceof DomainError);
  }
  check('a cut document is an error of ours', refusal(sample.slice(0, -1)) instanceof DomainError);
}

runChecks(async () => {
  run();
  check('json: the program runs to its end', true);
});
