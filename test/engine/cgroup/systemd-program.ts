/** Waiting for systemd: a bus (socket in the first argument) whose jobs never end. */
import { describeError } from '../../../agent/src/base/errors.ts';
import { ServiceManager } from '../../../agent/src/libcontainer/cgroup/systemd/service-manager.ts';
import { scopeProperties } from '../../../agent/src/libcontainer/cgroup/systemd/unit-properties.ts';
import { argv } from '../../../agent/src/sys/engine.ts';
import { EventLoop } from '../../../agent/src/sys/loop.ts';
import { clone3, exit, geteuid, pauseForEver } from '../../../agent/src/sys/process.ts';
import { check, checkFails, runChecks } from '../../support/engine/checks.ts';

const loop = EventLoop.create();

runChecks(async () => {
  const bus = {
    kind: 'system',
    sockets: ['/nonexistent/systemd/private', argv[1] ?? ''],
    uids: [4242, geteuid()],
  } as const;
  using manager = await ServiceManager.connect(loop, bus);
  const child = clone3({ flags: 0 });
  if (child === 'child') {
    pauseForEver();
    exit(0);
  }
  check('a bus is found behind a socket that is missing and a user id that is rejected', manager.socket === argv[1]);
  await checkFails(
    'a job without an end is given up after its time, and the error names the unit',
    manager.startTransientUnit('kihon-silent.scope', scopeProperties('test', 'a.slice', child.pid), {
      deadlineMs: 200,
    }),
    'systemd: start the unit kihon-silent.scope: job /org/freedesktop/systemd1/job/1: no answer within 200 ms',
  );
  try {
    await manager.stopUnit('kihon-silent.scope');
    check('what was given up was stopped: a second stop finds nothing', true);
  } catch (error) {
    check('what was given up was stopped: a second stop finds nothing', false, describeError(error));
  }
  check('nothing stays in the loop', loop.size.watches === 0 && loop.size.timers === 0, JSON.stringify(loop.size));
  check('the program runs to its end', true);
});
