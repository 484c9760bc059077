/** The engine's own tests, in the engine. The first argument names the part to run. */
import { EventLoop } from '../../../agent/src/sys/loop.ts';
import { argv } from '../../../agent/src/sys/program.ts';
import { Reaper } from '../../../agent/src/sys/reaper.ts';
import { check, runChecks } from '../../support/engine/checks.ts';
import { descriptorChecks } from './descriptors.ts';
import { eventLoopChecks } from './event-loop.ts';
import { waysToDie } from './fatal.ts';
import { memoryChecks } from './memory.ts';
import { offloadChecks } from './offloading.ts';
import { processChecks } from './processes.ts';
import { surfaceChecks } from './surface.ts';
import { decodeRecords, textChecks } from './text.ts';

const loop = EventLoop.create();

const parts: Readonly<Record<string, () => void | Promise<void>>> = {
  surface: surfaceChecks,
  text: textChecks,
  records: decodeRecords,
  memory: memoryChecks,
  descriptors: descriptorChecks,
  'event-loop': () => eventLoopChecks(loop),
  processes: () => processChecks({ loop, reaper: new Reaper(loop) }),
  offload: () => offloadChecks({ loop, reaper: new Reaper(loop) }),
};

const name = argv[1] ?? '';
const part = parts[name];
const wayToDie = waysToDie[name];
if (wayToDie !== undefined) wayToDie(loop);
else
  runChecks(async () => {
    if (part === undefined) throw new Error(`no part is called '${name}'`);
    await part();
    check(`${name}: the program runs to its end`, true);
  });
