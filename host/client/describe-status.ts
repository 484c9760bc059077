import { statusName } from '../../agent/src/codec/ttrpc/status-code.ts';
import type { RpcError } from '../../agent/src/codec/ttrpc/rpc-error.ts';

/** Longest text of the agent that is repeated, in UTF-16 units; the agent may be anybody's. */
const MAX_DETAIL = 2000;

/** The text of a failed call without the leading status name, in one printable line. */
export function describeStatus(error: RpcError): string {
  const prefix = `${statusName(error.code)}: `;
  const text = error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message;
  const line = text.replace(/\s*\n\s*/g, '; ').replace(/[\p{Cc}\p{Cf}]/gu, '');
  return line.length > MAX_DETAIL ? `${line.slice(0, MAX_DETAIL)}...` : line;
}
