import { expect } from 'vitest';
import { section } from '../support/section.ts';

section('config.md#annotations', ({ promise, operation }) => {
  promise('unknown keys are no error, nor are empty values and empty maps', async (runner) => {
    for (const annotations of [{}, { 'com.example.key': '' }, { 'org.opencontainers.unknown': 'x' }, { plain: 'x' }]) {
      const outcome = await runner.run('echo fine', (config) => {
        config.annotations = annotations;
      });
      expect(outcome).toMatchObject({ stdout: 'fine\n', status: 0 });
    }
  });

  operation('values must be strings', async (runtime) => {
    for (const value of [1, true, {}, ['x']])
      await runtime.refusal((config) => Object.assign(config, { annotations: { key: value } }));
  });

  operation('annotations must be a map', async (runtime) => {
    for (const annotations of ['x', ['x'], 1])
      await runtime.refusal((config) => Object.assign(config, { annotations }));
  });

  operation('a key must not be empty', async (runtime) => {
    await runtime.refusal((config) => Object.assign(config, { annotations: { '': 'x' } }));
  });
});
