import { describe, expect, test } from 'vitest';
import { Qmp } from '../../../../host/vm/qmp.ts';
import { duplexPair } from '../in-memory-agent.ts';

function fakeQemu(answer: (request: { execute: string; id: number }) => string | undefined) {
  const [mine, theirs] = duplexPair();
  theirs.on('error', () => undefined);
  theirs.write('{"QMP": {"version": {}}}\r\n');
  theirs.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().trim().split('\n')) {
      const request = JSON.parse(line) as { execute: string; id: number };
      const text = request.execute === 'qmp_capabilities' ? `{"return": {}, "id": ${request.id}}` : answer(request);
      if (text !== undefined) theirs.write(`${text}\r\n`);
    }
  });
  return { mine, theirs };
}

describe('Qmp', () => {
  test('negotiates, matches answers by id and passes events on', async () => {
    const events: string[] = [];
    const { mine } = fakeQemu(
      ({ id, execute }) => `{"event": "STOP"}\n{"return": ${JSON.stringify(execute)}, "id": ${id}}`,
    );
    const qmp = await Qmp.open(mine, (event) => events.push(event));
    await expect(Promise.all([qmp.execute('a'), qmp.execute('b')])).resolves.toEqual(['a', 'b']);
    expect(events).toEqual(['STOP', 'STOP']);
  });

  test("gives QEMU's own words in an error", async () => {
    const { mine } = fakeQemu(
      ({ id }) => `{"error": {"class": "GenericError", "desc": "no such device"}, "id": ${id}}`,
    );
    const qmp = await Qmp.open(mine);
    await expect(qmp.execute('device_del')).rejects.toThrow('QEMU: no such device');
  });

  test('fails what waits when the connection ends, and everything later', async () => {
    const { mine, theirs } = fakeQemu(() => undefined);
    const qmp = await Qmp.open(mine);
    const waiting = qmp.execute('quit');
    theirs.end();
    await expect(waiting).rejects.toThrow(/closed/);
    await expect(qmp.execute('quit')).rejects.toThrow(/closed/);
  });

  test('a peer that does not speak the protocol ends the connection', async () => {
    const [mine, theirs] = duplexPair();
    theirs.on('error', () => undefined);
    theirs.write('SSH-2.0-x\n');
    await expect(Qmp.open(mine)).rejects.toThrow(/closed/);
  });

  test('JSON that is no message ends the connection, and an error need not say why', async () => {
    for (const line of ['null', '5', '"text"']) {
      const { mine } = fakeQemu(() => line);
      await expect((await Qmp.open(mine)).execute('x')).rejects.toThrow(/closed/);
    }
    const { mine } = fakeQemu(({ id }) => `{"error": null, "id": ${id}}`);
    await expect((await Qmp.open(mine)).execute('x')).rejects.toThrow(/without a description/);
  });
});
