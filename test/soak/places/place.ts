import type { AgentClient } from '../../../host/client/agent-client.ts';

/** `process`: the agent in namespaces of its own on this machine. `vm`: as PID 1 of a guest. */
export type PlaceKind = 'process' | 'vm';

/** The agent seen from outside at one moment. */
export interface Vitals {
  readonly residentKib: number;
  readonly anonymousKib: number;
  readonly descriptors: number;
  /** Children of the agent that ended and that it has not waited for. */
  readonly zombies: number;
}

/** An agent with an empty sandbox, somewhere. */
export interface Place extends AsyncDisposable {
  readonly kind: PlaceKind;
  /** A busybox root file system as the agent sees it; scenarios do not change it. */
  readonly root: string;
  /** A new connection with a client on it. */
  connect(): Promise<AgentClient>;
  /** @throws Error where the guest cannot say it just now */
  vitals(): Promise<Vitals>;
  /** What the agent holds in the kernel (check C2), one line each. */
  holdings(): Promise<readonly string[]>;
  /** Runs a script in the agent's mount and pid namespaces, as root; only in a VM. @throws Error when it fails */
  script(text: string): Promise<string>;
  /** Ends the agent as its host would. @throws Error unless it ends as it should */
  end(): Promise<void>;
  /** The end of the agent's log, for a failure. */
  readonly logTail: string;
}

/** Most of a log that a report quotes, in characters. */
export const LOG_TAIL = 3000;

/** What every place has before a scenario begins. */
export const SANDBOX_ID = 'soak';

/** A file and a volume that are there from the beginning, so that requests that renew them leave nothing new. */
export const SHARED_FILE = '/run/kata-containers/shared/containers/soak-file';
export const EPHEMERAL_VOLUME = '/run/kata-containers/sandbox/ephemeral/soak';
