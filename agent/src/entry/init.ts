/** The program that becomes a container's process: see libcontainer/init. */
import { runLaunchPlan } from '../libcontainer/init/run-plan.ts';
import { environment } from '../sys/program.ts';
import { armFailpoints } from './failpoints/arm-failpoints.ts';

// Failures are reported by step and cause; building stacks nobody reads would cost more than the failing calls.
(Error as { stackTraceLimit?: number }).stackTraceLimit = 0;

armFailpoints(environment);
runLaunchPlan();
