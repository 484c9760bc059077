/** D-Bus as the specification has it, written down a second time: what the tests speak must not share mistakes with what they test. */

export type Plain = boolean | number | bigint | string | Plain[] | { readonly type: string; readonly value: Plain };

export interface PlainMessage {
  readonly type: number;
  readonly serial: number;
  /** By the number of the header field. */
  readonly fields: Readonly<Record<number, Plain>>;
  readonly body: readonly Plain[];
}

const widths: Readonly<Record<string, number>> = {
  ...{ y: 1, b: 4, n: 2, q: 2, i: 4, u: 4, x: 8, t: 8, d: 8, s: 4, o: 4, g: 1, v: 1, a: 4, '(': 8, '{': 8 },
};
const closing: Readonly<Record<string, string>> = { '(': ')', '{': '}' };

/** The first complete type of a signature. */
function firstType(signature: string): string {
  const head = signature[0] ?? '';
  if (head === 'a') return `a${firstType(signature.slice(1))}`;
  const end = closing[head];
  if (end === undefined) return head;
  let inner = '';
  while (signature[1 + inner.length] !== end) inner += firstType(signature.slice(1 + inner.length));
  return `${head}${inner}${end}`;
}

function typesOf(signature: string): string[] {
  if (signature === '') return [];
  const first = firstType(signature);
  return [first, ...typesOf(signature.slice(first.length))];
}

class Source {
  readonly bytes: Buffer;
  readonly isLittle: boolean;
  at = 0;

  constructor(bytes: Buffer, isLittle: boolean) {
    this.bytes = bytes;
    this.isLittle = isLittle;
  }

  pad(width: number): void {
    this.at = Math.ceil(this.at / width) * width;
  }

  u32(): number {
    this.pad(4);
    this.at += 4;
    return this.isLittle ? this.bytes.readUInt32LE(this.at - 4) : this.bytes.readUInt32BE(this.at - 4);
  }

  text(length: number): string {
    const text = this.bytes.toString('utf8', this.at, this.at + length);
    this.at += length + 1;
    return text;
  }

  value(type: string): Plain {
    const head = type[0] ?? '';
    this.pad(widths[head] ?? 1);
    switch (head) {
      case 'y':
        return this.bytes.readUInt8(this.at++);
      case 'b':
        return this.u32() === 1;
      case 'u':
        return this.u32();
      case 'i':
        return this.u32() | 0;
      case 't':
      case 'x': {
        this.at += 8;
        return this.isLittle ? this.bytes.readBigUInt64LE(this.at - 8) : this.bytes.readBigUInt64BE(this.at - 8);
      }
      case 's':
      case 'o':
        return this.text(this.u32());
      case 'g':
        return this.text(this.bytes.readUInt8(this.at++));
      case 'v': {
        const inner = this.text(this.bytes.readUInt8(this.at++));
        return { type: inner, value: this.value(inner) };
      }
      case 'a': {
        const length = this.u32();
        this.pad(widths[type[1] ?? ''] ?? 1);
        const end = this.at + length;
        const values: Plain[] = [];
        while (this.at < end) values.push(this.value(type.slice(1)));
        return values;
      }
      case '(':
      case '{':
        return typesOf(type.slice(1, -1)).map((each) => this.value(each));
      default:
        throw new Error(`type ${type}`);
    }
  }
}

/** The message at the beginning of `bytes` and its length; undefined while it is not whole. */
export function takeMessage(bytes: Buffer): { message: PlainMessage; length: number } | undefined {
  if (bytes.length < 16) return undefined;
  const source = new Source(bytes, bytes.toString('latin1', 0, 1) === 'l');
  const type = bytes.readUInt8(1);
  source.at = 4;
  const bodyLength = source.u32();
  const serial = source.u32();
  const fieldsLength = source.u32();
  const length = Math.ceil((16 + fieldsLength) / 8) * 8 + bodyLength;
  if (bytes.length < length) return undefined;
  source.at = 12;
  const fields: Record<number, Plain> = {};
  for (const entry of source.value('a(yv)') as [number, { value: Plain }][]) fields[entry[0]] = entry[1].value;
  const body = new Source(bytes.subarray(length - bodyLength, length), source.isLittle);
  const signature = (fields[8] as string | undefined) ?? '';
  return { message: { type, serial, fields, body: typesOf(signature).map((each) => body.value(each)) }, length };
}

class Sink {
  readonly bytes: number[] = [];
  readonly isLittle: boolean;

  constructor(isLittle: boolean) {
    this.isLittle = isLittle;
  }

  pad(width: number): void {
    while (this.bytes.length % width !== 0) this.bytes.push(0);
  }

  u32(value: number): void {
    this.pad(4);
    const four = Buffer.alloc(4);
    if (this.isLittle) four.writeUInt32LE(value);
    else four.writeUInt32BE(value);
    this.bytes.push(...four);
  }

  value(type: string, value: Plain): void {
    const head = type[0] ?? '';
    this.pad(widths[head] ?? 1);
    switch (head) {
      case 'y':
        this.bytes.push(value as number);
        return;
      case 'b':
        return this.u32(value === true ? 1 : 0);
      case 'u':
        return this.u32(value as number);
      case 's':
      case 'o':
        this.u32(Buffer.byteLength(value as string));
        this.bytes.push(...Buffer.from(value as string), 0);
        return;
      case 'g':
        this.bytes.push((value as string).length, ...Buffer.from(value as string), 0);
        return;
      case 'v': {
        const variant = value as { type: string; value: Plain };
        this.value('g', variant.type);
        return this.value(variant.type, variant.value);
      }
      case 'a': {
        const lengthAt = this.bytes.length;
        this.u32(0);
        this.pad(widths[type[1] ?? ''] ?? 1);
        const start = this.bytes.length;
        for (const each of value as Plain[]) this.value(type.slice(1), each);
        const length = new Sink(this.isLittle);
        length.u32(this.bytes.length - start);
        this.bytes.splice(lengthAt, 4, ...length.bytes);
        return;
      }
      case '(':
        typesOf(type.slice(1, -1)).forEach((each, index) => this.value(each, (value as Plain[])[index] ?? ''));
        return;
      default:
        throw new Error(`type ${type}`);
    }
  }
}

const fieldTypes: Readonly<Record<number, string>> = {
  ...{ 1: 'o', 2: 's', 3: 's', 4: 's', 5: 'u', 6: 's', 7: 's', 8: 'g' },
};

/** A message with these header fields; `signature` and `values` are the body. */
export function makeMessage(
  message: { type: number; serial: number; fields: Record<number, Plain>; signature?: string; values?: Plain[] },
  isLittle: boolean,
): Buffer {
  const { type, serial, fields, signature = '', values = [] } = message;
  const body = new Sink(isLittle);
  typesOf(signature).forEach((each, index) => body.value(each, values[index] ?? ''));
  const head = new Sink(isLittle);
  head.bytes.push((isLittle ? 'l' : 'B').charCodeAt(0), type, 0, 1);
  head.u32(body.bytes.length);
  head.u32(serial);
  const all = signature === '' ? fields : { ...fields, 8: signature };
  const entries = Object.entries(all).map(([code, value]): Plain => {
    return [Number(code), { type: fieldTypes[Number(code)] ?? 's', value }];
  });
  head.value('a(yv)', entries);
  head.pad(8);
  return Buffer.from([...head.bytes, ...body.bytes]);
}
