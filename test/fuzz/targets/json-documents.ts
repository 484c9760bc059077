/** From the bytes of config.json, process.json and resources.json to a checked spec: only domain errors, in bounded time. */
import { DomainError } from '../../../agent/src/base/errors.ts';
import { decodeBytes, encodeBytes } from '../../../agent/src/base/text.ts';
import { defaultSpecJson } from '../../../agent/src/oci/default-spec.ts';
import { processFromJson, resourcesFromJson, specFromJson } from '../../../agent/src/oci/from-json/spec-from-json.ts';
import { bundleRules } from '../../../agent/src/oci/spec-rules.ts';
import { validateResources } from '../../../agent/src/oci/validate-resources.ts';
import { validateSpec } from '../../../agent/src/oci/validate.ts';
import type { FuzzTarget } from '../support/fuzz-target.ts';
import { fuzzTarget, mutatedBytes } from '../support/fuzz-target.ts';

const process = {
  args: ['sh', '-c', 'true'],
  cwd: '/',
  env: ['A=b'],
  user: { uid: 1, gid: 2, additionalGids: [3] },
  rlimits: [{ type: 'RLIMIT_CORE', soft: 1, hard: 'HARD' }],
  capabilities: { bounding: ['CAP_KILL'], effective: [] },
  scheduler: { policy: 'SCHED_BATCH', nice: 3 },
};
const resources = {
  memory: { limit: 1 << 30, swap: -1 },
  cpu: { shares: 1024, quota: 5000, period: 10_000, cpus: '0-3' },
  devices: [{ allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' }],
  unified: { 'memory.high': '1' },
  blockIO: { weight: 10, throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1000 }] },
};
/** With a number that only the exact parser reads. */
const seeds = (document: object): Uint8Array[] =>
  [undefined, 1].map((indent) =>
    encodeBytes(JSON.stringify(document, null, indent).replace('"HARD"', '18446744073709551615')),
  );

export const jsonTargets: readonly FuzzTarget[] = [
  fuzzTarget({
    name: 'config-json',
    input: mutatedBytes(seeds({ ...(JSON.parse(defaultSpecJson()) as object), process })),
    errors: [DomainError],
    run: (bytes) => {
      validateSpec(specFromJson(decodeBytes(bytes), { bundle: '/b' }).value, bundleRules);
    },
  }),
  fuzzTarget({
    name: 'process-and-resources-json',
    input: mutatedBytes([...seeds(process), ...seeds(resources)]),
    errors: [DomainError],
    run: (bytes) => {
      const text = decodeBytes(bytes);
      if (text.includes('args')) processFromJson(text);
      else validateResources(resourcesFromJson(text).value);
    },
  }),
];
