import { expect, it } from 'vitest';
import { TestContainer } from '../support/container/test-container.ts';
import { useVm } from '../support/vm/vm-fixture.ts';

const fixture = useVm();

it('a host that comes back finds the output and the exit code that its old connection waited for', async () => {
  const old = await fixture.vm.connect();
  const container = await TestContainer.start(old, { root: fixture.root, run: 'read x; echo $x; exit 7' });
  const ids = { container_id: container.id, exec_id: container.id };
  const calls = [old.call('ReadStdout', { ...ids, len: 100 }), old.call('WaitProcess', ids)];
  const ends = Promise.allSettled(calls);
  await old.check();
  // A vsock tells the guest no more than the end of input.
  old.close();
  await ends;
  const again = TestContainer.attach(fixture.client, container.id);
  await again.write('hello\n');
  expect(await again.finish()).toEqual({ stdout: 'hello\n', stderr: '', status: 7 });
  await again.remove();
});
