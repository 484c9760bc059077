/** A reference interpreter of classic BPF as the kernel runs it for seccomp (Documentation/networking/filter.rst). */

/** What the kernel shows to a filter: `struct seccomp_data`. */
export interface CallData {
  readonly audit: number;
  readonly number: number;
  readonly args: readonly bigint[];
}

export interface FilterOutcome {
  readonly value: number;
  readonly executed: number;
}

function seccompData({ audit, number, args }: CallData): DataView {
  const view = new DataView(new ArrayBuffer(64));
  view.setUint32(0, number >>> 0, true);
  view.setUint32(4, audit >>> 0, true);
  args.forEach((value, index) => view.setBigUint64(16 + index * 8, BigInt.asUintN(64, value), true));
  return view;
}

/** Runs the program; throws for what the kernel's checker would not have loaded. */
export function interpretFilter(words: readonly number[], call: CallData): FilterOutcome {
  const data = seccompData(call);
  const length = words.length / 2;
  let accumulator = 0;
  for (let at = 0, executed = 1; ; executed++) {
    if (at >= length) throw new Error(`instruction ${at} is beyond the end`);
    const first = words[at * 2]!;
    const k = words[at * 2 + 1]!;
    const [code, whenTrue, whenFalse] = [first & 0xffff, (first >>> 16) & 0xff, first >>> 24];
    at++;
    switch (code) {
      case 0x20: // ld [k]
        if (k % 4 !== 0 || k > 60) throw new Error(`load from ${k}`);
        accumulator = data.getUint32(k, true);
        break;
      case 0x54: // and #k
        accumulator = (accumulator & k) >>> 0;
        break;
      case 0x05: // ja
        at += k;
        break;
      case 0x15: // jeq
        at += accumulator === k ? whenTrue : whenFalse;
        break;
      case 0x25: // jgt
        at += accumulator > k ? whenTrue : whenFalse;
        break;
      case 0x35: // jge
        at += accumulator >= k ? whenTrue : whenFalse;
        break;
      case 0x45: // jset
        at += (accumulator & k) !== 0 ? whenTrue : whenFalse;
        break;
      case 0x06: // ret #k
        return { value: k, executed };
      default:
        throw new Error(`code 0x${code.toString(16)} at ${at - 1}`);
    }
  }
}
