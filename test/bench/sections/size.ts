import { once } from 'node:events';
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentClient } from '../../../host/client/agent-client.ts';
import { anonymousKib, residentKib } from '../../support/agent/kernel-view.ts';
import { mappedProgramBytes, NODE_SERVER } from '../peers/node-server.ts';
import { RECORDED, RECORDED_AGENT } from '../peers/recorded-agent.ts';
import { startTimed } from '../peers/start-time.ts';
import type { BenchContext, SectionReport } from '../report/section.ts';
import { interleave } from '../statistics.ts';

/** After this long nothing of the start is still being given back, in ms. */
const IDLE_MS = 2500;

interface Idle {
  readonly residentMb: number;
  readonly anonymousMb: number;
  readonly programMb: number;
}

const MB = 1_000_000;
const KIB_PER_MB = MB / 1024;

const contestants = {
  kihon: async (elf: string) =>
    await startTimed({ elf }, async (socket) => {
      const client = new AgentClient(socket);
      await client.check();
      client.close();
    }),
  node: async () =>
    await startTimed(NODE_SERVER, async (socket) => {
      await once(socket, 'data');
      socket.destroy();
    }),
};

async function startMs(start: Promise<Awaited<ReturnType<typeof startTimed>>>): Promise<number> {
  const started = await start;
  await started.process[Symbol.asyncDispose]();
  return started.ms;
}

async function idle(start: Promise<Awaited<ReturnType<typeof startTimed>>>): Promise<Idle> {
  await using program = (await start).process;
  await sleep(IDLE_MS);
  return {
    residentMb: residentKib(program.pid) / KIB_PER_MB,
    anonymousMb: anonymousKib(program.pid) / KIB_PER_MB,
    programMb: mappedProgramBytes(program.pid) / MB,
  };
}

/** Starts before the measured ones: the first ones measure how this process compiles its own client. */
const WARM_UP = 3;

/** Sizes on disk and in memory, and the start, of the agent as a process. */
export async function measureSize(context: BenchContext): Promise<SectionReport> {
  const { agent, initrd } = context.workspace;
  for (let index = 0; index < WARM_UP; index++) await startMs(contestants.kihon(agent));
  const times = await interleave(context.amount(3, 21), {
    kihon: () => startMs(contestants.kihon(agent)),
    node: () => startMs(contestants.node()),
  });
  const [ours, node] = await Promise.all([idle(contestants.kihon(agent)), idle(contestants.node())]);
  const recorded = RECORDED_AGENT;
  return {
    title: 'Size and start',
    comparisons: [
      {
        title: 'agent as a process',
        peers: [{ key: 'node', title: `Node ${process.versions.node.split('.')[0] ?? ''}, bare` }, RECORDED],
        rows: [
          {
            name: 'program with its libraries',
            unit: 'MB',
            ours: statSync(agent).size / MB,
            peers: { node: node.programMb, recorded: recorded.elfMb },
          },
          { name: 'initrd', unit: 'MB', ours: statSync(initrd).size / MB, peers: { recorded: recorded.initrdMb } },
          {
            name: 'resident memory, idle',
            unit: 'MB',
            ours: ours.residentMb,
            peers: { node: node.residentMb, recorded: recorded.residentMb },
          },
          {
            name: 'of it anonymous',
            unit: 'MB',
            ours: ours.anonymousMb,
            peers: { node: node.anonymousMb, recorded: recorded.anonymousMb },
          },
          {
            name: 'exec to first answer',
            unit: 'ms',
            ours: times.kihon,
            peers: { node: times.node, recorded: recorded.startMs },
          },
        ],
      },
    ],
    tables: [],
    notes: [`median of ${times.kihon.count} starts, ours and Node's in turns; memory after ${IDLE_MS / 1000} s idle`],
    charts: [],
  };
}
