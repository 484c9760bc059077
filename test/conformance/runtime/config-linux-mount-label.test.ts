import { existsSync } from 'node:fs';
import { section } from '../support/section.ts';

section('config-linux.md#mount-label', ({ promise }) => {
  promise(
    'mountLabel is an error where the kernel has no SELinux',
    async (runner) => {
      await runner.refusal((config) => {
        config.linux['mountLabel'] = 'system_u:object_r:svirt_sandbox_file_t:s0:c715,c811';
      });
    },
    { skip: existsSync('/sys/fs/selinux/enforce') ? 'this kernel has SELinux' : undefined },
  );
});
