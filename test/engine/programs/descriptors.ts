/** Fd: it closes once. */
import { O_RDONLY } from '../../../agent/src/abi/constants.ts';
import { Fd } from '../../../agent/src/sys/fd.ts';
import { duplicate, pipe } from '../../../agent/src/sys/descriptor.ts';
import { fstat, open, read, writeAll } from '../../../agent/src/sys/file.ts';
import { check, checkEqual, checkThrows } from '../../support/engine/checks.ts';

export function descriptorChecks(): void {
  const first = open('/dev/null', O_RDONLY);
  const { number } = first;
  first.close();
  checkThrows('a closed descriptor refuses', () => first.number, 'descriptor of /dev/null is closed');
  checkThrows('in every call', () => fstat(first), 'closed');
  const second = open('/proc/self/status', O_RDONLY);
  checkEqual('the number is used again', second.number, number);
  first.close();
  first[Symbol.dispose]();
  check('a second close does not hit what reused the number', fstat(second).mode !== 0);
  checkEqual('a released descriptor gives its number', second.release(), number);
  check('and is not open any more', !second.isOpen);
  const adopted = new Fd(number, 'adopted');
  check('while the number is', fstat(adopted).mode !== 0);
  adopted.close();

  const { reader, writer } = pipe();
  {
    using copy = duplicate(writer);
    writer.close();
    writeAll(copy, Uint8Array.of(1, 2, 3));
  }
  const buffer = new Uint8Array(8);
  checkEqual('a pipe gives what was written', read(reader, buffer), 3);
  checkEqual('and its end once the last writer is closed by using', read(reader, buffer), 0);
  reader.close();
}
