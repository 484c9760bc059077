import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  KIND_MESSAGE,
  KIND_STRING,
  type FieldType,
  type MessageType,
  type Schema,
} from '../../../agent/src/codec/protobuf/schema.ts';
import { services } from '../../../proto/gen/services.js';
import { useAgent } from '../../support/agent/agent-fixture.ts';
import { expectStatus } from '../../support/agent/expect-status.ts';
import { startAgent } from '../../support/agent/start-agent.ts';
import { createRequest } from '../../support/container/container-spec.ts';
import { freshId, TestContainer } from '../../support/container/test-container.ts';
import { agentCall, chunk } from '../../support/raw/bytes.ts';
import { RawConnection } from '../../support/raw/raw-connection.ts';

/** Messages of the API nest this deep at most; the walk ends there. */
const MAX_DEPTH = 7;

/** For every string field of a message, at any depth: its path and a message that holds `text` there and nothing else. */
function* stringFields(
  schema: Schema,
  type: MessageType,
  text: string,
  depth = 0,
): Generator<{ path: string; message: Record<string, unknown> }> {
  for (const field of type.fields) {
    for (const { path, value } of valuesOf(schema, field, text, depth))
      yield { path: `${field.name}${path}`, message: { [field.name]: value } };
  }
}

function* valuesOf(
  schema: Schema,
  field: FieldType,
  text: string,
  depth: number,
): Generator<{ path: string; value: unknown }> {
  const wrap = (value: unknown): unknown =>
    field.label === 'repeated' ? [value] : field.label === 'map' ? new Map([['key', value]]) : value;
  if (field.kind === KIND_STRING) yield { path: '', value: wrap(text) };
  else if (field.kind === KIND_MESSAGE && depth < MAX_DEPTH) {
    for (const inner of stringFields(schema, schema.type(field.messageIndex), text, depth + 1))
      yield { path: `.${inner.path}`, value: wrap(inner.message) };
  }
  if (field.label === 'map' && field.kind === KIND_STRING) yield { path: '{key}', value: new Map([[text, 'value']]) };
}

describe('text', { timeout: 120_000 }, () => {
  const fixture = useAgent();

  it.each(services.methods('grpc.AgentService'))(
    'ENG-01: a NUL in any string of %s is refused at the boundary',
    async (method) => {
      const codec = services.find('grpc.AgentService', method)?.request;
      if (codec === undefined) throw new Error(`no method ${method}`);
      await using connection = await RawConnection.open(fixture.agent);
      let streamId = -1;
      const paths: string[] = [];
      for (const { path, message } of stringFields(codec.schema, codec.type, '/proc\0/x')) {
        streamId += 2;
        paths.push(path);
        await connection.send(agentCall(streamId, method, codec.encode(message)));
      }
      const answers = await connection.take(paths.length);
      answers.forEach((answer, index) => {
        expect(answer.code, `${paths[index]}: ${answer.text}`).toBe(3);
        expect(answer.text).toContain('NUL');
      });
    },
  );

  it('ENG-01: the walk finds the fields that matter', () => {
    const codec = services.method('grpc.AgentService', 'CreateContainer').request;
    const paths = [...stringFields(codec.schema, codec.type, 'x')].map((field) => field.path);
    for (const path of [
      'container_id',
      'OCI.Process.Args',
      'OCI.Mounts.options',
      'OCI.Annotations{key}',
      'storages.source',
    ])
      expect(paths).toContain(path);
  });

  describe('ENG-02: names that plain objects know', () => {
    it.each(['constructor', 'toString', 'valueOf', 'hasOwnProperty', 'isPrototypeOf', 'propertyIsEnumerable'])(
      '%s is an id like any other',
      async (id) => {
        await expectStatus(fixture.client.call('StartContainer', { container_id: id }), 'not_found');
        const container = await TestContainer.start(fixture.client, { root: fixture.root, run: 'read x; exit 3' }, id);
        await expectStatus(fixture.client.call('WaitProcess', { container_id: id, exec_id: 'x' }), 'not_found');
        const exec = await container.exec('exit 4', { execId: `x-${id}` });
        expect(await exec.wait()).toBe(4);
        const other = await TestContainer.start(fixture.client, { root: fixture.root });
        const same = await other.exec('exit 5', { execId: id });
        expect(await same.wait()).toBe(5);
        await expectStatus(same.wait(), 'not_found');
        await other.remove();
        await container.write('\n');
        expect(await container.wait()).toBe(3);
        await container.remove();
        await expectStatus(container.remove(), 'not_found');
      },
    );

    it('are data in annotations, environment and options, and refused as sysctls', async () => {
      const outcome = await TestContainer.run(fixture.client, {
        root: fixture.root,
        run: ['/usr/bin/env'],
        env: ['PATH=/bin', '__proto__=1', 'constructor=2', 'toString=3'],
        spec: {
          Annotations: new Map([
            ['__proto__', '{"polluted":true}'],
            ['constructor', 'x'],
          ]),
        },
      });
      for (const line of ['__proto__=1', 'constructor=2', 'toString=3']) expect(outcome.stdout).toContain(`${line}\n`);
      const sysctl = createRequest(freshId(), {
        root: fixture.root,
        linux: { Namespaces: [{ Type: 'mount' }], Sysctl: new Map([['__proto__', '1']]) },
      });
      await expectStatus(fixture.client.call('CreateContainer', sysctl), 'invalid_argument', '__proto__');
      for (const type of ['__proto__', 'constructor', 'hasOwnProperty']) {
        const namespace = createRequest(freshId(), { root: fixture.root, linux: { Namespaces: [{ Type: type }] } });
        await expectStatus(fixture.client.call('CreateContainer', namespace), 'invalid_argument', type);
        const capability = createRequest(freshId(), {
          root: fixture.root,
          process: { Capabilities: { Bounding: [type] } },
        });
        await expectStatus(fixture.client.call('CreateContainer', capability), 'invalid_argument', type);
        const limit = createRequest(freshId(), {
          root: fixture.root,
          process: { Rlimits: [{ Type: type, Hard: 1n, Soft: 1n }] },
        });
        await expectStatus(fixture.client.call('CreateContainer', limit), 'invalid_argument', type);
        const storage = { driver: type, mount_point: '/run/kata-containers/sandbox/x', source: 'x', fstype: 'x' };
        const stored = { ...createRequest(freshId(), { root: fixture.root }), storages: [storage] };
        await expectStatus(fixture.client.call('CreateContainer', stored), ['invalid_argument', 'internal'], type);
      }
    });

    it('change nothing in a configuration file', async () => {
      const file = join(fixture.roots.folder, 'proto.toml');
      writeFileSync(file, '[__proto__]\nlog_level = "debug"\n[constructor.prototype]\nx = 1\n[a."__proto__"]\ny = 2\n');
      await using agent = await startAgent({ args: ['--config', file] });
      await (await agent.connect()).check();
      expect(await agent.stop()).toBe(143);
      expect(agent.log).not.toContain('log_level=DEBG');
    });
  });

  describe('ENG-04: bytes that are not text', () => {
    it.each(['CreateContainer', 'StartContainer', 'RemoveContainer', 'WaitProcess', 'CreateSandbox'])(
      'are refused in a string of %s',
      async (method) => {
        await using connection = await RawConnection.open(fixture.agent);
        const field = method === 'CreateSandbox' ? 1 : 1;
        let streamId = -1;
        for (const bad of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x61, 0xe2, 0x82]]) {
          streamId += 2;
          await connection.send(agentCall(streamId, method, chunk(field, Buffer.from(bad))));
          const answer = await connection.next();
          expect(answer.code, answer.text).toBe(3);
          expect(answer.text).toContain('UTF-8');
        }
      },
    );

    it('in mount names and file names are carried as they are', async () => {
      const folder = join(fixture.roots.folder, 'odd');
      const prepare = String.raw`
        mkdir -p ${folder}
        for name in 'a b' 'tab	x' "$(printf 'new\nline')" 'back\\slash' '#hash' 'dash - dash' "$(printf 'bad\377')" "$(printf 'bad\376')"; do
          mkdir -p "${folder}/$name"
          mount -t tmpfs "$name" "${folder}/$name"
        done
        mount -t tmpfs '' "${folder}/a b"`;
      await using agent = await startAgent({ prepare });
      const client = await agent.connect();
      await client.call('CreateSandbox', { sandbox_id: 'pod' });
      for (let round = 0; round < 3; round++) {
        const outcome = await TestContainer.run(client, { root: fixture.root, run: 'exit 4' });
        expect(outcome.status).toBe(4);
        await client.call('RemoveStaleVirtiofsShareMounts', {});
      }
      expect(await agent.stop()).toBe(143);
      for (const line of agent.log.trim().split('\n')) expect(() => JSON.parse(line) as unknown).not.toThrow();
    });

    it('two names that differ in bad bytes stay two', async () => {
      const outcome = await TestContainer.run(fixture.client, {
        root: await fixture.roots.copy(),
        run: [
          '/bin/sh',
          '-c',
          String.raw`a=$(printf 'n\377'); b=$(printf 'n\376'); mkdir -p "/tmp/$a" "/tmp/$b"; ls /tmp | wc -l`,
        ],
      });
      expect(outcome.stdout).toBe('2\n');
    });

    it('from a container never break the lines of the log', async () => {
      const marker = 'forged';
      const run = ['/bin/sh\n{"msg":"forged","level":"INFO"}', 'x'];
      const create = fixture.client.call('CreateContainer', createRequest(freshId(), { root: fixture.root, run }));
      await expectStatus(create, 'internal');
      for (const line of fixture.agent.log.trim().split('\n')) {
        const record = JSON.parse(line) as Record<string, string>;
        expect(record['msg']).not.toBe(marker);
      }
    });
  });
});
