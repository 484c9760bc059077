import type { AbortSignal } from '../base/abort.ts';
import type { Logger } from '../base/log.ts';
import type { Init } from '../codec/protobuf/message-codec.ts';
import type { Services } from '../../../proto/gen/services.js';
import type { GuestServices } from '../guest/guest-services.ts';
import type { MemAgentServices } from '../guest/memory/mem-agent-services.ts';
import type { RequestTracer } from '../guest/trace/request-tracer.ts';
import type { DeliveryGate } from '../sandbox/delivery-gate.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { PolicyGate } from './policy/policy-gate.ts';

/** What handlers work with. One object for the life of the agent. */
export interface ApiContext {
  readonly sandbox: Sandbox;
  readonly guest: GuestServices;
  readonly log: Logger;
  readonly isPid1: boolean;
  /** Names of the storage drivers, for GetGuestDetails. */
  readonly storageDrivers: readonly string[];
  /** Undefined while the memory agent is off. */
  readonly memAgent: MemAgentServices | undefined;
  /** Undefined while tracing is off. */
  readonly tracer: RequestTracer | undefined;
  /** Asked before every call; undefined in an image without policy. */
  readonly policy: PolicyGate | undefined;
  /** The sandbox is gone: answer what is under way, then end (power off as PID 1). */
  readonly shutDown: () => void;
}

/** The call a handler answers: when to give up, and whether the answer would be taken now. */
export interface Call extends DeliveryGate {
  readonly signal: AbortSignal;
}

/** Validates a request, calls the sandbox or the guest, and gives the answer or throws. */
export type Handler<Request, Response> = (
  context: ApiContext,
  request: Request,
  call: Call,
) => Promise<Init<Response>> | Init<Response>;

export type AgentMethod = keyof Services['grpc.AgentService'];

/** The handler of one method of grpc.AgentService. */
export type AgentHandler<M extends AgentMethod> = Handler<
  Services['grpc.AgentService'][M]['request'],
  Services['grpc.AgentService'][M]['response']
>;

export type HealthMethod = keyof Services['grpc.Health'];

/** The handler of one method of grpc.Health. */
export type HealthHandler<M extends HealthMethod> = Handler<
  Services['grpc.Health'][M]['request'],
  Services['grpc.Health'][M]['response']
>;
