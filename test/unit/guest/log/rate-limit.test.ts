import { expect, it } from 'vitest';
import { loggerOf } from '../../../../agent/src/base/log.ts';
import type { LogFields, Logger, LogLevel } from '../../../../agent/src/base/log.ts';
import { limitRate } from '../../../../agent/src/guest/log/rate-limit.ts';

function recorder(lines: string[], subsystem = 'root'): Logger {
  const log = (level: LogLevel, msg: string, fields?: LogFields): void =>
    void lines.push(`${subsystem} ${level} ${msg}${fields === undefined ? '' : ` ${JSON.stringify(fields)}`}`);
  return loggerOf(log, (name) => recorder(lines, name));
}

it('limitRate() passes ten records a second and then says how many it dropped', () => {
  const lines: string[] = [];
  let time = 0;
  const logger = limitRate(recorder(lines), () => time);
  for (let count = 0; count < 25; count++) logger.info('spam');
  expect(lines).toHaveLength(10);
  time = 1000;
  logger.error('later');
  expect(lines.slice(10)).toEqual(['root WARN records of this source were suppressed {"count":15}', 'root ERRO later']);
});

it('limitRate() gives every child its own budget', () => {
  const lines: string[] = [];
  const logger = limitRate(recorder(lines), () => 0, 1);
  logger.child('a').warn('x');
  logger.child('b').warn('x');
  expect(lines).toEqual(['a WARN x', 'b WARN x']);
});
