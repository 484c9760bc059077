import { section } from '../support/section.ts';

section('config-linux.md#rdma', ({ operation }) => {
  operation('a device that does not exist is an error', async (runtime) => {
    await runtime.refusal((config) => {
      config.linux.resources = { rdma: { no_such_device: { hcaHandles: 3 } } };
    });
  });

  operation('an entry without any limit is an error', async (runtime) => {
    await runtime.refusal((config) => {
      config.linux.resources = { rdma: { mlx5_1: {} } };
    });
  });
});
