import { describe, expect, it } from 'vitest';
import { withKnownCapabilities } from '../../../agent/src/oci/known-capabilities.ts';
import { sampleSpec } from './sample-spec.ts';

const none = { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] };
const { process } = sampleSpec({});

describe('withKnownCapabilities()', () => {
  it('PRV-02 takes names out that nobody knows, tells of each once, and adds nothing', () => {
    const capabilities = {
      ...none,
      bounding: ['CAP_CHOWN', 'CAP_FOO', 'cap_kill', 'CAP_64', 'CAP_KILL\0'],
      permitted: ['CAP_FOO'],
    };
    const result = withKnownCapabilities({ ...process, capabilities });
    expect(result.process.capabilities).toEqual({ ...none, bounding: ['CAP_CHOWN'] });
    expect(result.warnings).toHaveLength(4);
    expect(result.warnings[0]).toContain('CAP_FOO');
  });

  it('PRV-01 tells of ambient capabilities that cannot be raised', () => {
    const capabilities = {
      ...none,
      permitted: ['CAP_CHOWN', 'CAP_KILL'],
      inheritable: ['CAP_KILL'],
      ambient: ['CAP_CHOWN', 'CAP_KILL'],
    };
    const { warnings } = withKnownCapabilities({ ...process, capabilities });
    expect(warnings).toEqual([expect.stringContaining('CAP_CHOWN')]);
  });

  it('leaves absent sets absent', () => {
    expect(withKnownCapabilities({ ...process, capabilities: undefined }).process.capabilities).toBeUndefined();
  });
});
