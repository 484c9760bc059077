/** Text between JavaScript and the kernel. */
import { O_CREAT, O_DIRECTORY, O_WRONLY } from '../../../agent/src/abi/constants.ts';
import { decodeBytes, decodeUtf8, encodeBytes } from '../../../agent/src/base/text.ts';
import * as fs from '../../../agent/src/sys/file.ts';
import { argv } from '../../../agent/src/sys/program.ts';
import { check, checkEqual, checkThrows } from '../../support/engine/checks.ts';

/** Sequences that are no UTF-8 (RFC 3629), by what is wrong with them. */
const malformed: readonly (readonly [string, readonly number[]])[] = [
  ['an overlong NUL', [0xc0, 0x80]],
  ['an overlong slash', [0xc0, 0xaf]],
  ['an overlong form of three bytes', [0xe0, 0x9f, 0xbf]],
  ['an overlong form of four bytes', [0xf0, 0x8f, 0xbf, 0xbf]],
  ['the first surrogate', [0xed, 0xa0, 0x80]],
  ['the last surrogate', [0xed, 0xbf, 0xbf]],
  ['a code point beyond the last', [0xf4, 0x90, 0x80, 0x80]],
  ['a lone continuation', [0x41, 0x80]],
  ['a sequence cut after one byte', [0xe2]],
  ['a sequence cut after two bytes', [0xe2, 0x82]],
  ['a sequence cut after three bytes', [0xf0, 0x9f, 0x98]],
  ['a sequence cut by a letter', [0xe2, 0x41, 0x82]],
  ['0xfe', [0xfe]],
  ['0xff', [0xff]],
];
const wellFormed = [
  '',
  '\0',
  'a',
  '\x7f\x80',
  '\u07ff\u0800',
  '\ud7ff\ue000',
  '\uffff',
  '\u{10000}\u{10ffff}',
  '\ufeffa',
];

function strictDecoding(): void {
  const accepted = malformed.filter(([, bytes]) => decodeUtf8(Uint8Array.from(bytes)) !== undefined);
  checkEqual(
    'strict decoding refuses every malformed sequence',
    accepted.map(([what]) => what),
    [],
  );
  const changed = wellFormed.filter((text) => decodeUtf8(encodeBytes(text)) !== text);
  checkEqual('strict decoding keeps every well-formed text', changed, []);
  const large = 'é𝄞x'.repeat(100_000);
  check('a megabyte of text survives', decodeUtf8(encodeBytes(large)) === large);
  const view = encodeBytes('xxabcxx').subarray(2, 5);
  checkEqual('a view is decoded from its own start to its own end', decodeUtf8(view), 'abc');
}

function nulInStrings(): void {
  checkThrows('a NUL in a path is refused (ENG-01)', () => fs.stat('/etc\0/x'), 'NUL');
  checkThrows('a NUL at the end is refused', () => fs.stat('/etc\0'), 'NUL');
  checkThrows('a NUL beside an escaped byte is refused', () => fs.stat('/\udcff\0'), 'NUL');
  checkThrows('an escaped NUL is no NUL and no path', () => fs.stat('/\udc00'), 'ENOENT');
}

function fileNames(): void {
  fs.mkdirAll('/tmp/names');
  using directory = fs.open('/tmp/names', O_DIRECTORY);
  const names = ['plain', 'naïve', '基本', 'bad\udcff', 'bad\udcfe', '\udc80\udcc3', 'half\udcc3(', 'mixed é\udce9'];
  for (const name of names) fs.open(name, O_WRONLY | O_CREAT, 0o600, directory).close();
  const found = fs.readDirectory('/tmp/names').map(({ name }) => name);
  checkEqual('file names of any bytes come back as they were (ENG-04)', found.sort(), [...names].sort());
  for (const name of names) fs.unlink(name, directory);
  checkEqual('and each is reached by its own name', fs.readDirectory('/tmp/names').length, 0);
  fs.symlink('to\udcff', '/tmp/names/link');
  checkEqual('the target of a link too', fs.readlink('/tmp/names/link'), 'to\udcff');
  fs.unlink('/tmp/names/link');
  fs.symlink('other\ud800', '/tmp/names/link');
  checkEqual('a surrogate that stands for no byte becomes U+FFFD', fs.readlink('/tmp/names/link'), 'other\ufffd');
}

export function textChecks(): void {
  strictDecoding();
  nulInStrings();
  fileNames();
}

/**
 * Decodes records from a file (a length in two bytes, then that many bytes) and prints what each one is as JSON, null where
 * it is refused; the test compares with Node's decoder. Each record must also survive the lossless round trip.
 */
export function decodeRecords(): void {
  const bytes = fs.readFile(argv[2] ?? '', { maxBytes: 16 << 20 });
  const answers: (string | null)[] = [];
  let lost = 0;
  for (let offset = 0; offset + 2 <= bytes.length;) {
    const length = (bytes[offset] ?? 0) | ((bytes[offset + 1] ?? 0) << 8);
    const record = bytes.subarray(offset + 2, offset + 2 + length);
    answers.push(decodeUtf8(record) ?? null);
    const again = encodeBytes(decodeBytes(record));
    if (again.length !== record.length || again.some((byte, index) => byte !== record[index])) lost += 1;
    offset += 2 + length;
  }
  fs.createFile(argv[3] ?? '', JSON.stringify(answers));
  checkEqual('no record changes in the lossless round trip', lost, 0);
}
