import { expect } from 'vitest';
import type { Replay, ReplayOptions } from './replay.ts';

/** What a conversation must come to, apart from what all have in common. */
export interface Conversation {
  readonly name: string;
  /** Its container, whose root file system lies in the share. */
  readonly containerId: string;
  readonly expected: NonNullable<ReplayOptions['expected']>;
  readonly verify: (replay: Replay, place: Place) => void;
}

/** Where the replay takes place. */
export interface Place {
  /** `uname -r` there. */
  readonly kernelRelease: string;
}

const RECORDED_RELEASE = /^\d+\.\d+\.\S+\n$/;

/** The recorded conversations. */
export const CONVERSATIONS: readonly Conversation[] = [
  {
    name: 'run',
    containerId: 'r2',
    expected: (text) => (RECORDED_RELEASE.test(text) ? '\n' : text),
    verify: ({ streams }, place) => {
      expect(streams.get('r2/r2/stdout')).toBe(`out\n${place.kernelRelease}\n`);
      expect(streams.get('r2/r2/stderr')).toBe('err\n');
    },
  },
  {
    name: 'exec-pause-kill',
    containerId: 'x2',
    expected: (text) => text,
    verify: ({ streams }) => {
      expect(streams.get('x2/x2/stdout')).toMatch(/^(tick\n)+$/);
      expect([...streams.values()].sort().filter((text) => !text.startsWith('tick'))).toEqual(
        ['', '', 'exec-err\n', 'exec-out\n', 'hello stdin\n'].sort(),
      );
    },
  },
  {
    name: 'tty',
    containerId: 'y1',
    // The shell's name and version are those of the image; the recorded failure of `tty` is a defect that we do not have.
    expected: (text) => (text.includes('BusyBox') || /not a tty|standard input/.test(text) ? undefined : text),
    verify: ({ streams }) => {
      const text = streams.get('y1/y1/stdout') ?? '';
      // The host gave the size 0x0, of which busybox's stty says nothing but the name of the stream.
      expect(text).toMatch(/stty size; tty\r\n(0 0|stty: standard input)\r\n\/dev\/(pts\/0|console)\r\n/);
      expect(text).toContain('sleep 100\r\n^C\r\n');
      expect(text).toContain('exit 5\r\n');
      expect(text).not.toContain('not a tty');
    },
  },
];

/** Asserts that every answer means the same as the recorded one. */
export function expectSameMeaning(replayed: Replay): void {
  for (const { method, recorded, actual } of replayed.answers) {
    const what = `${method}: ${actual.text}`;
    expect(actual.code, what).toBe(recorded.code);
    switch (method) {
      case 'GetGuestDetails': {
        const details = actual.message['agent_details'] as { version: string; storage_handlers: string[] };
        expect(details.version).toBe('4.1.0');
        expect(details.storage_handlers).toContain('virtio-fs');
        break;
      }
      case 'StatsContainer':
        expect(Object.keys(actual.message)).toContain('cgroup_stats');
        break;
      default:
        expect(actual.message, what).toEqual(recorded.message);
    }
  }
}
