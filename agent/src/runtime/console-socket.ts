import { O_PATH } from '../abi/constants.ts';
import { wrapError } from '../base/errors.ts';
import { encodeBytes } from '../base/text.ts';
import type { Fd } from '../sys/fd.ts';
import { setNonBlocking } from '../sys/descriptor.ts';
import { open } from '../sys/file.ts';
import { connectUnix, sendMessage } from '../sys/socket.ts';

/** sun_path of sockaddr_un, with its end. */
const maxSocketPath = 107;

/** Connects to the socket that waits for a terminal or a pidfd. Done before anything is made: nobody there is a wrong call. */
export function connectSocket(path: string): Fd {
  try {
    if (encodeBytes(path).length <= maxSocketPath) return connectUnix(path);
    using place = open(path, O_PATH);
    return connectUnix(`/proc/self/fd/${place.number}`);
  } catch (error) {
    throw wrapError(`console socket ${path}`, error);
  }
}

/** Sends one descriptor, with its name as the data, as runc does. */
export function sendDescriptor(socket: Fd, fd: Fd, name: string): void {
  sendMessage(socket, encodeBytes(name), [fd]);
}

/** Hands the master of a container's terminal to who asked for it: a plain blocking descriptor. */
export function sendTerminal(socket: Fd, master: Fd): void {
  setNonBlocking(master, false);
  sendDescriptor(socket, master, '/dev/ptmx');
}
