import type { TraceLine } from './trace.ts';

/** Whose time a step is: the agent's, the new process's, or the host's that asks for the next thing. */
export type Actor = 'agent' | 'child' | 'host';

interface StepMark {
  readonly name: string;
  readonly actor: Actor;
  /** The call with which the step begins. */
  readonly begins: RegExp;
}

/** The steps in their order. Each lasts until the next one begins. */
export const STEPS: readonly StepMark[] = [
  { name: 'CreateContainer: decode, check, plan', actor: 'agent', begins: /^read\(.*CreateContainer/ },
  { name: 'cgroup', actor: 'agent', begins: /^openat\(AT_FDCWD, "\/sys\/fs\/cgroup"/ },
  { name: 'pipes, plan into a memfd', actor: 'agent', begins: /^pipe2\(/ },
  { name: 'the zygote: clone3 into namespaces and cgroup', actor: 'agent', begins: /^clone3\(/ },
  { name: 'descriptors in place', actor: 'child', begins: /^(prctl\(PR_SET_DUMPABLE|fcntl\(\d+, F_DUPFD_CLOEXEC)/ },
  { name: 'plan read, namespaces, limits', actor: 'child', begins: /^(<\.\.\. )?read.*"\{\\"steps/ },
  { name: 'root attached', actor: 'child', begins: /^openat\(AT_FDCWD, "\/", .*O_PATH/ },
  { name: 'nine mounts', actor: 'child', begins: /^fsopen\("proc"/ },
  { name: 'devices and links', actor: 'child', begins: /^mknodat\(/ },
  { name: 'pivot_root', actor: 'child', begins: /^fchdir\(/ },
  { name: 'read-only and masked paths', actor: 'child', begins: /^openat2\(\d+, "\/proc\/bus"/ },
  { name: 'session, capabilities, user', actor: 'child', begins: /^setsid\(/ },
  { name: 'ready told; namespaces pinned', actor: 'child', begins: /^sendmsg\(.*ready/ },
  { name: 'answer; the host asks to start', actor: 'host', begins: /^sendto\(/ },
  { name: 'StartContainer', actor: 'agent', begins: /^read\(.*StartContainer/ },
  { name: 'init goes on, and execve', actor: 'child', begins: /^(<\.\.\. recvmsg resumed>|recvmsg\().*start/ },
  { name: 'the program runs and ends', actor: 'child', begins: /^brk\(NULL/ },
  { name: 'exit seen, WaitProcess answered', actor: 'agent', begins: /^\+\+\+ exited/ },
  { name: 'the host asks to remove', actor: 'host', begins: /^sendto\(/ },
  { name: 'RemoveContainer', actor: 'agent', begins: /^read\(.*RemoveContainer/ },
];

/** How a launch ends: the answer to RemoveContainer. */
const END = /^sendto\(/;

/** One step of one launch. */
export interface StepTime {
  readonly ms: number;
  readonly calls: number;
}

/**
 * Cuts a trace with any number of launches, one after another, into their steps.
 *
 * @throws Error naming the step whose beginning is not in the trace
 */
export function cutLaunches(lines: readonly TraceLine[]): StepTime[][] {
  const launches: StepTime[][] = [];
  const first = STEPS[0];
  let position = 0;
  for (;;) {
    const begin = lines.findIndex((line, index) => index >= position && first?.begins.test(line.text) === true);
    if (begin < 0) return launches;
    const marks = [begin];
    for (const pattern of [...STEPS.slice(1).map((step) => step.begins), END]) {
      const from = (marks.at(-1) ?? begin) + 1;
      const next = lines.findIndex((line, index) => index >= from && pattern.test(line.text));
      if (next < 0) throw new Error(`the trace has no ${STEPS[marks.length]?.name ?? 'end of the launch'}`);
      marks.push(next);
    }
    launches.push(
      STEPS.map((_, index) => {
        const [from = 0, to = 0] = [marks[index], marks[index + 1]];
        const [start, end] = [lines[from]?.time ?? NaN, lines[to]?.time ?? NaN];
        return { ms: (end - start) * 1000, calls: lines.slice(from, to).filter((line) => line.isCall).length };
      }),
    );
    position = marks.at(-1) ?? lines.length;
  }
}
