import { statusName, UNAVAILABLE } from './status-code.ts';

/** A call that failed: the peer's status, or what happened to the call on our side. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  /** A google.rpc.Code; see `status-code.ts`. */
  readonly code: number;
  /** `peer`: the status came over the wire. `local`: deadline, cancellation, broken connection or protocol. */
  readonly origin: 'peer' | 'local';

  constructor(code: number, message: string, origin: 'peer' | 'local') {
    super(`${statusName(code)}: ${message}`);
    this.code = code;
    this.origin = origin;
  }
}

/** The connection is gone, for `reason`. */
export function connectionLost(reason: string): RpcError {
  return new RpcError(UNAVAILABLE, reason, 'local');
}
