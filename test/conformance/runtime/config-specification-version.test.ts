import { expect } from 'vitest';
import { section } from '../support/section.ts';

section('config.md#specification-version', ({ promise, operation }) => {
  operation('ociVersion must be SemVer: anything else is an error', async (runtime) => {
    for (const version of ['', 'one', '1', '1.0', 1, null])
      await runtime.refusal((config) => Object.assign(config, { ociVersion: version }));
  });

  operation('ociVersion is required', async (runtime) => {
    await runtime.refusal((config) => Reflect.deleteProperty(config, 'ociVersion'));
  });

  promise('every version 1 up to 1.2 is accepted', async (runner) => {
    for (const version of ['1.0.0', '1.0.2', '1.0.2-dev', '1.1.0', '1.2.0', '1.2.1']) {
      const outcome = await runner.run('echo fine', (config) => {
        config.ociVersion = version;
      });
      expect(outcome, version).toMatchObject({ stdout: 'fine\n', status: 0 });
    }
  });

  operation('a version with another major number is an error', async (runtime) => {
    await runtime.refusal((config) => {
      config.ociVersion = '2.0.0';
    });
  });
});
