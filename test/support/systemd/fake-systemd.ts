import { mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { eventually } from '../eventually.ts';
import { makeMessage, takeMessage, type Plain, type PlainMessage } from './plain-dbus.ts';

/** How the manager misbehaves; by default it does not. */
export interface Behaviour {
  /** Error name for calls of this method. */
  readonly refuse?: { readonly member: string; readonly error: string; readonly text: string };
  /** Result of jobs that start a unit; undefined: they work. */
  readonly jobResult?: string;
  /** No word of the end of a job. */
  readonly isSilent?: boolean;
  /** The end of a job is told before the call that made it is answered. */
  readonly tellsEarly?: boolean;
  /** Somebody else tells first that the job has failed. */
  readonly hasForger?: boolean;
  /** Bytes instead of the answer to a unit's start. */
  readonly garbage?: Buffer;
  /** The process is left where it is. */
  readonly leavesProcess?: boolean;
  readonly rejectsUser?: boolean;
  readonly version?: string;
}

export interface RecordedCall {
  readonly member: string;
  readonly body: readonly Plain[];
}

const owner = ':1.7';
const manager = 'org.freedesktop.systemd1.Manager';
const managerPath = '/org/freedesktop/systemd1';

/**
 * A stand-in for systemd behind a bus: it makes units' cgroups below one of the test's own, moves processes there, and tells of its
 * jobs. It answers in big-endian order.
 */
export class FakeSystemd {
  readonly socket: string;
  readonly calls: RecordedCall[] = [];
  behaviour: Behaviour = {};
  readonly #home: string;
  readonly #controlGroup: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Folders of units by their name. */
  readonly #units = new Map<string, string>();
  #serial = 0;
  #jobs = 0;

  private constructor(socket: string, home: string, controlGroup: string) {
    this.socket = socket;
    this.#home = home;
    this.#controlGroup = controlGroup;
    this.#server = createServer((client) => this.#serve(client));
  }

  /** @param home an existing cgroup, where the units go; `controlGroup` is its path in the hierarchy */
  static async start(socket: string, home: string, controlGroup: string): Promise<FakeSystemd> {
    const fake = new FakeSystemd(socket, home, controlGroup);
    await new Promise<void>((resolve) => fake.#server.listen(socket, resolve));
    return fake;
  }

  get address(): string {
    return `unix:path=${this.socket},guid=00`;
  }

  get unitNames(): readonly string[] {
    this.#collect();
    return [...this.#units.keys()];
  }

  /** Properties that a unit was last given by this method. */
  propertiesOf(member: 'StartTransientUnit' | 'SetUnitProperties'): Readonly<Record<string, Plain>> {
    const call = this.calls.filter((each) => each.member === member).at(-1);
    const pairs = (call?.body[2] ?? []) as [string, { value: Plain }][];
    return Object.fromEntries(pairs.map(([name, { value }]) => [name, value]));
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.socket, { force: true });
  }

  #serve(client: Socket): void {
    this.#sockets.add(client);
    client.on('error', () => undefined);
    client.on('close', () => this.#sockets.delete(client));
    let bytes = Buffer.alloc(0);
    let isOpen = false;
    client.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (!isOpen) {
        const end = bytes.indexOf('\r\n');
        if (end < 0) return;
        const line = bytes.toString('latin1', 0, end);
        bytes = bytes.subarray(end + 2);
        isOpen = this.#authenticate(client, line);
      }
      for (let taken = takeMessage(bytes); taken !== undefined; taken = takeMessage(bytes)) {
        bytes = bytes.subarray(taken.length);
        void this.#answer(client, taken.message);
      }
    });
  }

  #authenticate(client: Socket, line: string): boolean {
    if (line === 'BEGIN') return true;
    const wanted = `\0AUTH EXTERNAL ${Buffer.from(String(process.geteuid?.())).toString('hex')}`;
    const isFine = line === wanted && this.behaviour.rejectsUser !== true;
    client.write(isFine ? 'OK 0123456789abcdef0123456789abcdef\r\n' : 'REJECTED EXTERNAL\r\n');
    return false;
  }

  #send(client: Socket, type: number, fields: Record<number, Plain>, signature = '', values: Plain[] = []): void {
    this.#serial += 1;
    client.write(
      makeMessage({ type, serial: this.#serial, fields: { 7: owner, ...fields }, signature, values }, false),
    );
  }

  async #answer(client: Socket, { serial, fields, body }: PlainMessage): Promise<void> {
    const member = String(fields[3]);
    const { behaviour } = this;
    this.calls.push({ member, body });
    const reply = (signature = '', ...values: Plain[]): void => {
      this.#send(client, 2, { 5: serial }, signature, values);
    };
    const fail = (error: string, text: string): void => {
      this.#send(client, 3, { 4: error, 5: serial }, 's', [text]);
    };
    if (behaviour.refuse?.member === member) {
      fail(behaviour.refuse.error, behaviour.refuse.text);
      return;
    }
    switch (member) {
      case 'Hello':
        reply('s', ':1.42');
        return;
      case 'Get': {
        const value = body[1] === 'Version' ? (behaviour.version ?? '252.22-1~deb12u1') : this.#controlGroup;
        reply('v', { type: 's', value });
        return;
      }
      case 'StartTransientUnit':
        this.#start(client, body, reply, fail);
        return;
      case 'StopUnit':
        await this.#stopUnit(client, String(body[0]), reply, fail);
        return;
      case 'ResetFailedUnit':
        fail('org.freedesktop.systemd1.NoSuchUnit', `Unit ${String(body[0])} not loaded.`);
        return;
      case 'AddMatch':
      case 'Subscribe':
      case 'SetUnitProperties':
        reply();
        return;
      default:
        fail('org.freedesktop.DBus.Error.UnknownMethod', `no ${member}`);
        return;
    }
  }

  #tell(client: Socket, unit: string, result: string, sender = owner): void {
    const fields = { 1: managerPath, 2: manager, 3: 'JobRemoved', 7: sender };
    this.#send(client, 4, fields, 'uoss', [this.#jobs, `${managerPath}/job/${this.#jobs}`, unit, result]);
  }

  #start(
    client: Socket,
    body: readonly Plain[],
    reply: (signature: string, ...values: Plain[]) => void,
    fail: (error: string, text: string) => void,
  ): void {
    const { behaviour } = this;
    const unit = String(body[0]);
    this.#collect();
    if (this.#units.has(unit)) {
      fail('org.freedesktop.systemd1.UnitExists', `Unit ${unit} already exists.`);
      return;
    }
    if (behaviour.garbage !== undefined) {
      client.write(behaviour.garbage);
      return;
    }
    const properties = this.propertiesOf('StartTransientUnit');
    const slices = String(properties['Slice'])
      .replace(/\.slice$/, '')
      .split('-')
      .map((_, index, parts) => `${parts.slice(0, index + 1).join('-')}.slice`);
    const folder = join(this.#home, ...slices, unit);
    mkdirSync(folder, { recursive: true });
    this.#units.set(unit, folder);
    if (behaviour.leavesProcess !== true) {
      for (const pid of properties['PIDs'] as number[]) writeFileSync(join(folder, 'cgroup.procs'), String(pid));
    }
    this.#jobs += 1;
    const answer = (): void => {
      reply('o', `${managerPath}/job/${this.#jobs}`);
    };
    // A signal that nobody asked for comes along as well.
    this.#send(client, 4, { 1: managerPath, 2: manager, 3: 'UnitNew' }, 'so', [unit, `${managerPath}/unit/x`]);
    if (behaviour.hasForger === true) this.#tell(client, unit, 'failed', ':1.666');
    if (behaviour.tellsEarly !== true) answer();
    if (behaviour.isSilent !== true) this.#tell(client, unit, behaviour.jobResult ?? 'done');
    if (behaviour.tellsEarly === true) answer();
  }

  async #stopUnit(
    client: Socket,
    unit: string,
    reply: (signature: string, ...values: Plain[]) => void,
    fail: (error: string, text: string) => void,
  ): Promise<void> {
    this.#collect();
    const folder = this.#units.get(unit);
    if (folder === undefined) {
      fail('org.freedesktop.systemd1.NoSuchUnit', `Unit ${unit} not loaded.`);
      return;
    }
    this.#jobs += 1;
    reply('o', `${managerPath}/job/${this.#jobs}`);
    writeFileSync(join(folder, 'cgroup.kill'), '1');
    await eventually(() => {
      this.#collect();
      if (this.#units.has(unit)) throw new Error(`${unit} has processes`);
    });
    this.#tell(client, unit, 'done');
  }

  /** Units without processes go by themselves. */
  #collect(): void {
    for (const [unit, folder] of this.#units) {
      try {
        if (readFileSync(join(folder, 'cgroup.events'), 'utf8').includes('populated 1')) continue;
        rmdirSync(folder);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
      this.#units.delete(unit);
    }
  }
}
