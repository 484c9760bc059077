import { once } from 'node:events';
import { statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentClient } from '../../../host/client/agent-client.ts';
import { anonymousKib, residentKib } from '../../support/agent/kernel-view.ts';
import { mappedProgramBytes, NODE_SERVER } from '../peers/node-server.ts';
import { RECORDED, RECORDED_AGENT } from '../peers/recorded-agent.ts';
import { RUST, rustAgent, rustInitrd } from '../peers/rust-agent.ts';
import { startTimed } from '../peers/start-time.ts';
import type { BenchContext, SectionReport } from '../report/section.ts';
import { interleave, repeat, type Samples } from '../statistics.ts';

/** After this long nothing of the start is still being given back, in ms. */
const IDLE_MS = 2500;

interface Idle {
  readonly residentMb: number;
  readonly anonymousMb: number;
  readonly programMb: number;
}

const MB = 1_000_000;
const KIB_PER_MB = MB / 1024;

/** The Rust agent looks for initdata on the disks that it finds, and ends where it may not open one. */
const HIDE_DISKS = 'mount -t tmpfs tmpfs /dev; mknod -m 666 /dev/null c 1 3; mknod -m 666 /dev/urandom c 1 9';

async function askCheck(socket: Socket): Promise<void> {
  const client = new AgentClient(socket);
  await client.check();
  client.close();
}

const contestants = {
  kihon: async (elf: string) => await startTimed({ elf }, askCheck),
  rust: async (elf: string) => await startTimed({ elf, prepare: HIDE_DISKS }, askCheck),
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

/** The Rust agent as a process, where there is one: its times go beside ours, else what was recorded of it. */
async function rustStarts(rounds: number): Promise<Samples | undefined> {
  const program = rustAgent;
  return program === undefined ? undefined : await repeat(rounds, () => startMs(contestants.rust(program)));
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
  const rustTimes = await rustStarts(context.amount(3, 21));
  const [ours, node, rust] = await Promise.all([
    idle(contestants.kihon(agent)),
    idle(contestants.node()),
    rustAgent === undefined ? undefined : idle(contestants.rust(rustAgent)),
  ]);
  const peer = rustAgent === undefined ? RECORDED : RUST;
  const theirs = {
    elfMb: rustAgent === undefined ? RECORDED_AGENT.elfMb : statSync(rustAgent).size / MB,
    initrdMb: rustInitrd === undefined ? RECORDED_AGENT.initrdMb : statSync(rustInitrd).size / MB,
    residentMb: rust?.residentMb ?? RECORDED_AGENT.residentMb,
    anonymousMb: rust?.anonymousMb ?? RECORDED_AGENT.anonymousMb,
    startMs: rustTimes ?? RECORDED_AGENT.startMs,
  };
  return {
    title: 'Size and start',
    comparisons: [
      {
        title: 'agent as a process',
        peers: [{ key: 'node', title: `Node ${process.versions.node.split('.')[0] ?? ''}, bare` }, peer],
        rows: [
          {
            name: 'program with its libraries',
            unit: 'MB',
            ours: statSync(agent).size / MB,
            peers: { node: node.programMb, [peer.key]: theirs.elfMb },
          },
          { name: 'initrd', unit: 'MB', ours: statSync(initrd).size / MB, peers: { [peer.key]: theirs.initrdMb } },
          {
            name: 'resident memory, idle',
            unit: 'MB',
            ours: ours.residentMb,
            peers: { node: node.residentMb, [peer.key]: theirs.residentMb },
          },
          {
            name: 'of it anonymous',
            unit: 'MB',
            ours: ours.anonymousMb,
            peers: { node: node.anonymousMb, [peer.key]: theirs.anonymousMb },
          },
          {
            name: 'exec to first answer',
            unit: 'ms',
            ours: times.kihon,
            peers: { node: times.node, [peer.key]: theirs.startMs },
          },
        ],
      },
    ],
    tables: [],
    notes: [`median of ${times.kihon.count} starts, ours and Node's in turns; memory after ${IDLE_MS / 1000} s idle`],
    charts: [],
  };
}
