import { DomainError } from '../../base/errors.ts';
import type { AgentHandler } from '../handler.ts';

/** TtyWinResize: sizes are cut to 16 bits, as TIOCSWINSZ holds no more. */
export const ttyWinResize: AgentHandler<'TtyWinResize'> = (context, request) => {
  const process = context.sandbox.container(request.container_id).process(request.exec_id);
  if (!process.resize({ rows: request.row & 0xffff, columns: request.column & 0xffff }))
    throw new DomainError('unavailable', 'no tty');
  return {};
};
