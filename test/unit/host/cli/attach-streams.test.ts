import { PassThrough, Readable, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { attachStreams } from '../../../../host/cli/attach-streams.ts';
import type { ContainerProcess } from '../../../../host/sdk/container-process.ts';

function fakeProcess(stdout: Readable, stderr: Readable): { process_: ContainerProcess; stdin: PassThrough } {
  const stdin = new PassThrough();
  return { process_: { stdin, stdout, stderr } as unknown as ContainerProcess, stdin };
}

function collector(): { stream: Writable; text: () => string } {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, callback) {
      text += chunk.toString();
      callback();
    },
  });
  return { stream, text: () => text };
}

test('copies both outputs and leaves our own streams open', async () => {
  const { process_ } = fakeProcess(Readable.from([Buffer.from('out')]), Readable.from([Buffer.from('err')]));
  const [out, err] = [collector(), collector()];
  const { copied } = attachStreams(process_, { isInteractive: false, stdout: out.stream, stderr: err.stream });
  expect(await copied).toEqual({ isPipeBroken: false });
  expect([out.text(), err.text(), out.stream.writable]).toEqual(['out', 'err', true]);
});

test('without -i the process finds its input closed; with it, it gets ours', async () => {
  const closed = fakeProcess(Readable.from([]), Readable.from([]));
  attachStreams(closed.process_, { isInteractive: false, stdout: collector().stream, stderr: collector().stream });
  expect(closed.stdin.writableEnded).toBe(true);
  const open = fakeProcess(Readable.from([]), Readable.from([]));
  const stdin = Readable.from([Buffer.from('typed')]);
  attachStreams(open.process_, { isInteractive: true, stdin, stdout: collector().stream, stderr: collector().stream });
  await expect.poll(() => String(open.stdin.read())).toBe('typed');
});

test('a reader of ours that goes away is told apart from a failure', async () => {
  const { process_ } = fakeProcess(Readable.from([Buffer.from('out')]), Readable.from([]));
  const broken = new Writable({
    write: (_chunk, _encoding, callback) => callback(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
  });
  const { copied } = attachStreams(process_, { isInteractive: false, stdout: broken, stderr: collector().stream });
  expect(await copied).toEqual({ isPipeBroken: true });
});
