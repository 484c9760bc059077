/** What watches files of the host; read when the first container wants some. */
export { POLL_MS, Watchables } from '../../guest/storage/watchable/watchables.ts';
