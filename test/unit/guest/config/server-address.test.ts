import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatServerAddress,
  parseServerAddress,
  VSOCK_CID_ANY,
  type ServerAddress,
} from '../../../../agent/src/guest/config/server-address.ts';

describe('parseServerAddress()', () => {
  it.each<[string, ServerAddress]>([
    ['vsock://-1:1024', { kind: 'vsock', cid: VSOCK_CID_ANY, port: 1024 }],
    ['vsock://4294967295:1', { kind: 'vsock', cid: VSOCK_CID_ANY, port: 1 }],
    ['vsock://3:4294967295', { kind: 'vsock', cid: 3, port: 4294967295 }],
    ['unix:///run/agent.sock', { kind: 'unix', path: '/run/agent.sock' }],
    ['unix://@/tmp/kata-agent.socket', { kind: 'abstract', name: '/tmp/kata-agent.socket' }],
  ])('reads %s', (text, address) => {
    expect(parseServerAddress(text)).toEqual(address);
  });

  it.each([
    '',
    'vsock://',
    'vsock://1',
    'vsock://1:2:3',
    'vsock://-2:1',
    'vsock://1:-1',
    'vsock://0x3:1',
    'vsock://4294967296:1',
    'vsock://1: 1',
    'VSOCK://1:1',
    'unix://',
    'unix://@',
    'unix://relative',
    `unix:///${'a'.repeat(200)}`,
    'tcp://127.0.0.1:1024',
    'http://x',
  ])('refuses %s with a reason', (text) => {
    expect(parseServerAddress(text)).toEqual(expect.any(String));
  });

  it('reads back what formatServerAddress() prints', () => {
    const u32 = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(u32, u32, (cid, port) => {
        const address: ServerAddress = { kind: 'vsock', cid, port };
        expect(parseServerAddress(formatServerAddress(address))).toEqual(address);
      }),
    );
  });
});
