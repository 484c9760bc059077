/** The program that becomes a container's process: see libcontainer/init. */
import { runLaunchPlan } from '../libcontainer/init/run-plan.ts';

runLaunchPlan();
