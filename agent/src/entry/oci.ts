/** The runtime command line (`kihon-oci`): runs one command and ends. See docs/kihon-oci.md. */
import { argv, startWith } from '../sys/program.ts';
import { armFailpoints } from './failpoints/arm-failpoints.ts';
import { main } from './oci/main.ts';
import { preload } from './oci/preload.ts';

// Errors are told by what was done to what; stacks nobody reads would cost more than the failing calls.
(Error as { stackTraceLimit?: number }).stackTraceLimit = 0;

startWith(() => {
  armFailpoints();
  void main(argv.slice(1));
}, preload);
