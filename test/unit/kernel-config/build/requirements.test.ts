import { describe, expect, test } from 'vitest';
import { BuildFailure } from '../../../../kernel-config/src/build/failure.ts';
import { BOOT_REQUIREMENTS, checkRequirements } from '../../../../kernel-config/src/build/requirements.ts';

describe('checkRequirements()', () => {
  test('names what is missing and the command that installs it, in one line', async () => {
    const check = checkRequirements(BOOT_REQUIREMENTS, { PATH: '/nonexistent' });
    await expect(check).rejects.toThrow(BuildFailure);
    await expect(check).rejects.toThrow(/^missing: qemu-system-x86_64; get it with: apt-get install qemu-system-x86$/);
  });

  test('is silent when all is there', async () => {
    await expect(checkRequirements([])).resolves.toBeUndefined();
  });
});
