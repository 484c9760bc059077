/** The runtime command line (`kihon-oci`). Its room: it comes with the OCI runtime work; until then it says so. */
import { argv } from '../sys/program.ts';
import { Fd } from '../sys/fd.ts';
import { writeAll } from '../sys/file.ts';
import { exit } from '../sys/process.ts';
import { encodeBytes } from '../base/text.ts';

writeAll(new Fd(2, 'stderr'), encodeBytes(`${argv[0] ?? 'kihon-oci'}: the OCI runtime command line comes later\n`));
exit(1);
