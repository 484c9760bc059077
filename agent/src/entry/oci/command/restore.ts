import { DomainError } from '../../../base/errors.ts';
import type { Command } from '../command.ts';

export const command: Command = {
  usage: 'CONTAINER-ID',
  about: ['Not supported: the state of running processes is neither saved nor brought back.'],
  options: [],
  takesAnything: true,
  operands: { least: 0, most: Infinity },
  run: () => {
    throw new DomainError('unimplemented', 'restore is not supported by this runtime');
  },
};
