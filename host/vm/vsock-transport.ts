import { existsSync } from 'node:fs';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { assertNever } from '../../agent/src/base/assert-never.ts';
import { findVhostDeviceVsock, type AssetPlaces } from './assets.ts';
import { findProgram } from './find-program.ts';
import { HelperProcess } from './helper-process.ts';
import { HostError } from './host-error.ts';
import { dialHybridVsock } from './hybrid-vsock.ts';
import { dialKernelVsock } from './kernel-vsock.ts';
import type { VsockBackend } from './qemu-config.ts';
import type { DialOptions } from './stream-dial.ts';
import { waitForSocket } from './wait-for-socket.ts';

/** Which programs give a VM its vsock on this host. */
export type VsockChoice =
  | { readonly kind: 'vhost-kernel'; readonly socatPath: string }
  | { readonly kind: 'vhost-user'; readonly programPath: string };

/** How to reach a running VM's ports; plain data, so that another process can dial too. */
export type VsockAddress =
  | { readonly kind: 'hybrid'; readonly path: string }
  | { readonly kind: 'kernel'; readonly cid: number; readonly socatPath: string };

/**
 * After this long without an answer a connection is tried beside the first, then others at twice the distance each: the first ones after
 * boot can be lost (vhost-device-vsock 0.3.0), those to a busy guest are only late.
 */
const PATIENCE_MS = 1000;
const MAX_PATIENCE_MS = 8000;
/** After a refusal. */
const PAUSE_MS = 20;

/**
 * The host kernel's vhost-vsock where there is one and socat can dial it, else vhost-device-vsock.
 *
 * @throws HostError when neither is there
 */
export function chooseVsock(places: AssetPlaces, hasKernelVsock = existsSync('/dev/vhost-vsock')): VsockChoice {
  const socatPath = hasKernelVsock ? findProgram(['socat']) : undefined;
  if (socatPath !== undefined) return { kind: 'vhost-kernel', socatPath };
  const programPath = findVhostDeviceVsock(places);
  if (programPath !== undefined) return { kind: 'vhost-user', programPath };
  throw hasKernelVsock
    ? new HostError('no socat on this host, which dials /dev/vhost-vsock', { hint: 'apt-get install socat' })
    : new HostError('no vsock: neither /dev/vhost-vsock nor vhost-device-vsock', {
        hint: '`make setup` gets the latter',
      });
}

/** A VM's vsock: the device for QEMU, the program behind it, and the address to dial. */
export interface Vsock {
  readonly backend: VsockBackend;
  readonly address: VsockAddress;
  readonly helper: HelperProcess | undefined;
}

/** Prepares the vsock of one VM, with its sockets in `directory`. */
export async function startVsock(
  choice: VsockChoice,
  directory: string,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<Vsock> {
  switch (choice.kind) {
    case 'vhost-kernel': {
      // 0 to 2 are reserved (vsock(7)); a collision with another VM makes QEMU refuse to start.
      const cid = randomInt(3, 0x7fffffff);
      const address = { kind: 'kernel', cid, socatPath: choice.socatPath } as const;
      return { backend: { kind: 'vhost-kernel', cid }, address, helper: undefined };
    }
    case 'vhost-user': {
      const socketPath = join(directory, 'vhost.sock');
      const path = join(directory, 'vsock.sock');
      const command = [choice.programPath, '--guest-cid=3', `--socket=${socketPath}`, `--uds-path=${path}`];
      const helper = await HelperProcess.start({ command, logPath: join(directory, 'vsock.log') });
      try {
        await waitForSocket(helper, socketPath, options);
      } catch (error) {
        await helper.stop();
        throw error;
      }
      return { backend: { kind: 'vhost-user', socketPath }, address: { kind: 'hybrid', path }, helper };
    }
    default:
      return assertNever(choice);
  }
}

async function dialOnce(address: VsockAddress, port: number, options: DialOptions): Promise<Duplex> {
  switch (address.kind) {
    case 'hybrid':
      return await dialHybridVsock(address.path, port, options);
    case 'kernel':
      return await dialKernelVsock(address.socatPath, address.cid, port, options);
    default:
      return assertNever(address);
  }
}

/**
 * Connects to a port of the guest, trying again until `timeoutMs` is over. The first answer counts.
 *
 * @throws HostError of the last attempt
 */
export async function dialVsock(address: VsockAddress, port: number, options: DialOptions): Promise<Duplex> {
  const deadline = performance.now() + options.timeoutMs;
  const others = new AbortController();
  const signal = options.signal === undefined ? others.signal : AbortSignal.any([options.signal, others.signal]);
  let patienceMs = PATIENCE_MS;
  return await new Promise<Duplex>((resolve, reject) => {
    const attempt = (): void => {
      if (others.signal.aborted) return;
      let isFollowed = false;
      const late = setTimeout(() => {
        isFollowed = true;
        attempt();
      }, patienceMs);
      patienceMs = Math.min(2 * patienceMs, MAX_PATIENCE_MS);
      dialOnce(address, port, { timeoutMs: Math.max(1, deadline - performance.now()), signal }).then(
        (stream) => {
          clearTimeout(late);
          if (others.signal.aborted) return void stream.destroy();
          resolve(stream);
          others.abort();
        },
        (error: unknown) => {
          clearTimeout(late);
          if (isFollowed) return;
          if (signal.aborted || performance.now() + PAUSE_MS >= deadline) reject(error);
          else setTimeout(attempt, PAUSE_MS);
        },
      );
    };
    attempt();
  });
}
