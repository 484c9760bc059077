import { section } from '../support/section.ts';

section('config-linux.md#network', ({ operation }) => {
  operation(
    'what cgroup v2 cannot do is an error: classID and priorities',
    async (runtime) => {
      for (const network of [{ classID: 1_048_577 }, { priorities: [{ name: 'lo', priority: 5 }] }])
        await runtime.refusal((config) => {
          config.linux.resources = { network };
        });
    },
    { vm: true },
  );
});
