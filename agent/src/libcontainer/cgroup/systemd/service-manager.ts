import type { AbortSignal } from '../../../base/abort.ts';
import { DomainError, describeError, wrapError } from '../../../base/errors.ts';
import { Scope } from '../../../base/scope.ts';
import { isSysError } from '../../../base/sys-error.ts';
import { RejectedError } from '../../../codec/dbus/handshake.ts';
import type { Message } from '../../../codec/dbus/message.ts';
import type { DbusValue, Variant } from '../../../codec/dbus/value.ts';
import type { EventLoop } from '../../../sys/loop.ts';
import { CallError, Connection, withDeadline } from './connection.ts';
import type { MethodCall } from './connection.ts';
import { isPrivateSocket } from './find-bus.ts';
import type { Bus } from './find-bus.ts';
import type { UnitProperties } from './unit-properties.ts';

const serviceName = 'org.freedesktop.systemd1';
const managerPath = '/org/freedesktop/systemd1';
const managerInterface = `${serviceName}.Manager`;
const busName = 'org.freedesktop.DBus';
const busPath = '/org/freedesktop/DBus';
const jobSignal = 'JobRemoved';

/** An answer of systemd or of the bus; nothing here makes them wait for something else. */
const callDeadlineMs = 10_000;
/** As long as runc waits for a unit. */
export const jobDeadlineMs = 30_000;

/** What `JobRemoved` says of a job; `done` is success. */
type JobResult = string;

/**
 * systemd's manager object, over the bus or over its own socket (org.freedesktop.systemd1(5)). One call at a time. Errors name what
 * was asked of which unit.
 */
export class ServiceManager implements Disposable {
  readonly #connection: Connection;
  readonly #loop: EventLoop;
  /** Unique name behind the well-known one; signals of others are not systemd's. Undefined without a bus. */
  #owner: string | undefined;
  /** Of the unit whose job is waited for: it may be over before the call that made it is answered. */
  #awaited: { readonly unit: string; readonly results: Map<string, JobResult> } | undefined;

  private constructor(loop: EventLoop, connection: Connection) {
    this.#loop = loop;
    this.#connection = connection;
    connection.onSignal = (signal) => this.#noteJob(signal);
  }

  /** Connects to the first socket that answers. Throws naming all of them when none does. */
  static async connect(loop: EventLoop, bus: Bus, signal?: AbortSignal): Promise<ServiceManager> {
    const failures: string[] = [];
    for (const socket of bus.sockets) {
      for (const uid of bus.uids) {
        try {
          return await ServiceManager.#open(loop, socket, uid, signal);
        } catch (error) {
          signal?.throwIfAborted();
          const text = describeError(error);
          failures.push(text.includes(socket) ? text : `unix://${socket}: ${text}`);
          if (!(error instanceof RejectedError)) {
            if (isSysError(error, 'ENOENT', 'ECONNREFUSED')) break;
            throw new DomainError('unavailable', `systemd cannot be asked: ${failures.join('; ')}`);
          }
        }
      }
    }
    throw new DomainError('unavailable', `systemd cannot be reached (${bus.kind} bus): ${failures.join('; ')}`);
  }

  static async #open(loop: EventLoop, socket: string, uid: number, signal?: AbortSignal): Promise<ServiceManager> {
    await using scope = new Scope();
    const limited = withDeadline(loop, scope, callDeadlineMs, `unix://${socket}`, signal);
    const connection = await Connection.open(loop, socket, uid, limited);
    try {
      if (!isPrivateSocket(socket)) await connection.call(busCall('Hello'), limited);
      return new ServiceManager(loop, connection);
    } catch (error) {
      connection[Symbol.dispose]();
      throw error;
    }
  }

  /** Path of the socket, for another connection to the same manager. */
  get socket(): string {
    return this.#connection.socket;
  }

  get #hasBus(): boolean {
    return !isPrivateSocket(this.socket);
  }

  async #call(member: string, signature: string, values: readonly DbusValue[], signal?: AbortSignal): Promise<Message> {
    const call = { path: managerPath, interface: managerInterface, member, signature, values };
    return await this.#send({ destination: serviceName, ...call }, signal);
  }

  async #send(call: MethodCall, signal?: AbortSignal): Promise<Message> {
    await using scope = new Scope();
    const limited = withDeadline(this.#loop, scope, callDeadlineMs, call.member, signal);
    return await this.#connection.call(call, limited);
  }

  /** A text property of the manager. */
  async #property(name: string, signal?: AbortSignal): Promise<string> {
    const answer = await this.#send(
      {
        destination: serviceName,
        path: managerPath,
        interface: `${busName}.Properties`,
        member: 'Get',
        signature: 'ss',
        values: [managerInterface, name],
      },
      signal,
    );
    this.#owner = this.#hasBus ? answer.sender : undefined;
    const [variant] = answer.signature === 'v' ? answer.body() : [];
    const value = (variant as Variant | undefined)?.value;
    if (typeof value !== 'string') throw new DomainError('internal', `systemd: the property ${name} is no text`);
    return value;
  }

  /** The cgroup that the manager's units are in, e.g. `` or `/user.slice/user-1000.slice/user@1000.service`. */
  async controlGroup(signal?: AbortSignal): Promise<string> {
    try {
      return (await this.#property('ControlGroup', signal)).replace(/\/+$/, '');
    } catch (error) {
      throw wrapError('systemd: property ControlGroup', error);
    }
  }

  /** E.g. 252; 0 when it cannot be read from the text. */
  async version(signal?: AbortSignal): Promise<number> {
    try {
      return Number(/\d+/.exec(await this.#property('Version', signal))?.[0] ?? '0');
    } catch (error) {
      throw wrapError('systemd: property Version', error);
    }
  }

  /** Has systemd tell of jobs. */
  async #subscribe(signal?: AbortSignal): Promise<void> {
    if (this.#hasBus) {
      // Learns who the owner of the name is.
      if (this.#owner === undefined) await this.version(signal);
      const rule = `type='signal',sender='${serviceName}',interface='${managerInterface}',member='${jobSignal}'`;
      await this.#send(busCall('AddMatch', 's', [rule]), signal);
    }
    await this.#call('Subscribe', '', [], signal);
  }

  #noteJob(message: Message): void {
    if (this.#awaited === undefined || message.member !== jobSignal || message.interface !== managerInterface) return;
    if (this.#hasBus && message.sender !== this.#owner) return;
    if (message.signature !== 'uoss') return;
    const [, job, unit, result] = message.body();
    if (unit === this.#awaited.unit) this.#awaited.results.set(String(job), String(result));
  }

  /** Makes a call that gives a job, and waits for the end of that. */
  async #runJob(
    unit: string,
    deadlineMs: number,
    start: () => Promise<Message>,
    signal?: AbortSignal,
  ): Promise<JobResult> {
    await this.#subscribe(signal);
    const results = new Map<string, JobResult>();
    this.#awaited = { unit, results };
    try {
      const answer = await start();
      const [job] = answer.signature === 'o' ? answer.body() : [];
      if (typeof job !== 'string') throw new DomainError('internal', 'the answer names no job');
      await using scope = new Scope();
      const limited = withDeadline(this.#loop, scope, deadlineMs, `job ${job}`, signal);
      for (;;) {
        const result = results.get(job);
        if (result !== undefined) return result;
        await this.#connection.receive(limited);
      }
    } finally {
      this.#awaited = undefined;
    }
  }

  /**
   * Makes a transient unit and waits until it has started. On failure nothing of it is left: a unit of that name that was there
   * before stays (`failed_precondition`), unless it had failed.
   */
  async startTransientUnit(
    unit: string,
    properties: UnitProperties,
    options: { readonly deadlineMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const { deadlineMs = jobDeadlineMs, signal } = options;
    const values = [unit, 'fail', listOf(properties), []];
    // From the call on, until its answer is a refusal.
    const unitState = { mayExist: false };
    const ask = async (): Promise<Message> => {
      try {
        unitState.mayExist = true;
        return await this.#call('StartTransientUnit', 'ssa(sv)a(sa(sv))', values, signal);
      } catch (error) {
        unitState.mayExist = !(error instanceof CallError);
        throw error;
      }
    };
    const start = async (): Promise<Message> => {
      try {
        return await ask();
      } catch (error) {
        if (!isCallError(error, 'UnitExists')) throw error;
        // One that failed keeps its name until it is reset.
        await this.#resetFailed(unit);
        return await ask();
      }
    };
    try {
      const result = await this.#runJob(unit, deadlineMs, start, signal);
      if (result !== 'done') throw new DomainError('failed_precondition', `its job ended with "${result}"`);
    } catch (error) {
      if (unitState.mayExist) await this.#giveUp(unit);
      throw explain(`systemd: start the unit ${unit}`, error);
    }
  }

  /** After a failure whose reason is what matters. */
  async #giveUp(unit: string): Promise<void> {
    try {
      await this.#call('StopUnit', 'ss', [unit, 'replace']);
    } catch {
      // It has gone by itself, or nobody answers any more.
    }
    await this.#resetFailed(unit);
  }

  async #resetFailed(unit: string): Promise<void> {
    try {
      await this.#call('ResetFailedUnit', 's', [unit]);
    } catch {
      // Only units that failed and are still there can be reset.
    }
  }

  /** Stops a unit and waits until it has; one that is not there is fine. */
  async stopUnit(unit: string, deadlineMs = jobDeadlineMs): Promise<void> {
    try {
      await this.#runJob(unit, deadlineMs, () => this.#call('StopUnit', 'ss', [unit, 'replace']));
    } catch (error) {
      if (!isCallError(error, 'NoSuchUnit')) throw explain(`systemd: stop the unit ${unit}`, error);
    }
    await this.#resetFailed(unit);
  }

  /** Changes properties of a unit until the next boot at the latest. */
  async setProperties(unit: string, properties: UnitProperties): Promise<void> {
    try {
      await this.#call('SetUnitProperties', 'sba(sv)', [unit, true, listOf(properties)]);
    } catch (error) {
      throw explain(`systemd: change the unit ${unit}`, error);
    }
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }
}

function busCall(member: string, signature = '', values: readonly DbusValue[] = []): MethodCall {
  return { destination: busName, path: busPath, interface: busName, member, signature, values };
}

function listOf(properties: UnitProperties): readonly DbusValue[] {
  return [...properties].map(([name, value]) => [name, value]);
}

function isCallError(error: unknown, name: string): boolean {
  return error instanceof CallError && error.errorName === `${serviceName}.${name}`;
}

/** What people can do something about gets a code of its own. */
function explain(what: string, error: unknown): DomainError {
  if (!(error instanceof CallError)) return wrapError(what, error);
  const isDenied = /\.(AccessDenied|InteractiveAuthorizationRequired|AuthFailed)$/.test(error.errorName);
  return new DomainError(isDenied ? 'permission_denied' : 'failed_precondition', what, error);
}
