import { expect } from 'vitest';
import { section } from '../support/section.ts';

section('config.md#extensibility', ({ operation }) => {
  operation('unknown properties are no error, at any depth', async (runtime) => {
    const outcome = await runtime.run('echo fine', (config) => {
      for (const object of [config, config.process, config.process.user, config.root, config.linux, config.mounts[0]!])
        Object.assign(object, { unknownProperty: { of: ['any', 1, null] }, 'com.example': true });
    });
    expect(outcome).toMatchObject({ stdout: 'fine\n', status: 0 });
  });

  operation('the parts for other platforms are ignored', async (runtime) => {
    const outcome = await runtime.run('echo fine', (config) => {
      config['windows'] = { layerFolders: ['C:\\x'] };
      config['solaris'] = { milestone: 'x' };
    });
    expect(outcome).toMatchObject({ stdout: 'fine\n', status: 0 });
  });
});
