/** The program that becomes a container's process, and the zygote that makes such processes: see libcontainer/init and zygote. */
import { runLaunchPlan } from '../libcontainer/init/run-plan.ts';
import { argv } from '../sys/program.ts';
import { armFailpoints } from './failpoints/arm-failpoints.ts';

// Failures are reported by step and cause; building stacks nobody reads would cost more than the failing calls.
(Error as { stackTraceLimit?: number }).stackTraceLimit = 0;

armFailpoints();
if (argv[1] === 'zygote') {
  const { runZygote } = await import('../libcontainer/zygote/run-zygote.ts');
  runZygote();
} else {
  runLaunchPlan();
}
