import { STATUS_NAMES } from '../../agent/src/codec/ttrpc/status-code.ts';

/** A status by name: those of google.rpc.Code, in lower case. */
export type RpcCode = Exclude<Lowercase<(typeof STATUS_NAMES)[number]>, 'ok'>;

/** The name of a status number; a number that no table knows counts as `unknown`. */
export function rpcCode(status: number): RpcCode {
  const name = STATUS_NAMES[status];
  return name === undefined || name === 'OK' ? 'unknown' : (name.toLowerCase() as RpcCode);
}

/** The agent's refusal, or the connection's failure, of one call. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: RpcCode;
  /** Bare method name, e.g. `CreateContainer`. */
  readonly method: string;
  /** The agent's own text. */
  readonly detail: string;

  constructor(code: RpcCode, method: string, detail: string) {
    super(`${method}: ${detail === '' ? code : detail}`);
    this.code = code;
    this.method = method;
    this.detail = detail;
  }
}

/** True for an RpcError, of one of the given codes if any are given. */
export function isRpcError(error: unknown, ...codes: RpcCode[]): error is RpcError {
  return error instanceof RpcError && (codes.length === 0 || codes.includes(error.code));
}
