/** Policies of any text: they are refused, or they answer, and both in bounded time. */
import { AgentPolicy } from '../../../agent/src/policy/agent-policy.ts';
import { EvaluationError, PolicyTextError } from '../../../agent/src/policy/policy-error.ts';
import { Matcher } from '../../../agent/src/policy/regex/matcher.ts';
import { RegexError, RegexParser } from '../../../agent/src/policy/regex/parse-regex.ts';
import { compileRegex } from '../../../agent/src/policy/regex/program.ts';
import { refuel } from '../../../agent/src/policy/fuel.ts';
import { fromJson } from '../../../agent/src/policy/value/from-json.ts';
import { GENERATED_POLICY } from '../../support/policies.ts';
import { builtinCases } from '../../unit/policy/builtin-cases.ts';
import type { FuzzTarget } from '../support/fuzz-target.ts';
import { fuzzTarget, mutatedText } from '../support/fuzz-target.ts';

const input = {
  OCI: { Hooks: null, Process: { Args: ['/bin/sh', '-c', 'true'], Env: ['PATH=/bin', 'GREETING=hello'] } },
  storages: [{ driver: 'ephemeral', options: [], mount_point: '/run/kata-containers/sandbox/ephemeral/a' }],
  container_id: 'abc',
  process: { Args: ['/bin/sh', '-c', 'echo probe'] },
  path: '/run/kata-containers/shared/containers/a',
  file_type: 'Regular',
};
const rules = ['CreateContainerRequest', 'ExecProcessRequest', 'CopyFileRequest', 'RemoveContainerRequest'];

const expressions = builtinCases.map(([expression]) => `CopyFileRequest if { x := ${expression}; x }`);
const small = `package agent_policy
${expressions.join('\n')}
r contains [x, y] if { some x, y in input; not y == null } else := 1
f(x) := y if { y := {k: v | some k, v in x} } else := {z | z := x[_]} if true
CreateContainerRequest if { count(f(input)) > 0 with input.a as r; every k, v in input { k != v } }
`;

const regexes = [
  '^/run/[a-z0-9]{1,64}/(x|y)*$',
  '(?i:a+?)|\\b[[:alpha:]\\pL]{2,3}',
  '((a*)*)*b',
  '(?P<n>\\x{41}|[^a-c-])\\Q.\\E$',
];

export const policyTargets: readonly FuzzTarget[] = [
  fuzzTarget({
    name: 'policies',
    input: mutatedText([GENERATED_POLICY, small]),
    errors: [PolicyTextError, EvaluationError],
    run: (text) => {
      const policy = new AgentPolicy('p', text);
      for (const rule of rules) policy.decide(rule, () => fromJson(input) ?? null).prints();
    },
  }),
  fuzzTarget({
    name: 'regular-expressions',
    input: mutatedText(regexes),
    errors: [RegexError, EvaluationError],
    run: (text) => {
      refuel();
      const matcher = new Matcher(compileRegex(new RegexParser(text).run()));
      for (const subject of ['', text, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '/run/abc/xyx']) {
        const found = matcher.find(subject, 0);
        if ((found !== undefined) !== matcher.test(subject)) throw new Error('test and find disagree');
      }
    },
  }),
];
