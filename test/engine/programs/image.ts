/**
 * A program that goes on from an image (docs/engine.md): what the image holds is immortal and not collected, what is made later lives and
 * dies as ever. Its module runs when the image is made, its start in the process under test.
 */
import { readText } from '../../../agent/src/sys/file.ts';
import { startWith } from '../../../agent/src/sys/program.ts';
import { check, checkEqual, runChecks } from '../../support/engine/checks.ts';

class Node {
  next: Node | undefined;
  readonly load = new Array<number>(64).fill(7);
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Everything here is in the image. */
const old = {
  object: { text: `made ${['with', 'the', 'image'].join(' ')}`, list: [1, 2, 3] as unknown[] },
  node: new Node('old'),
  big: 2n ** 100n,
  symbol: Symbol('old'),
  map: new Map<string, unknown>([['first', { is: 'old' }]]),
  weakMap: new WeakMap<object, unknown>(),
  weakRef: new WeakRef({ is: 'collected when the image is made' }),
  rope: 'a'.repeat(10_000) + 'b'.repeat(10_000),
  counter: ((): (() => number) => {
    let count = 0;
    return () => ++count;
  })(),
};
const keyOfTheImage = { is: 'a key' };
old.weakMap.set(keyOfTheImage, 'value of the image');
let variable: unknown = { is: 'of the module' };

/** Cycles beyond the heap's limit of 64 MiB: they fit only when they are collected. */
function makeGarbage(megabytes: number, holds: () => unknown): void {
  for (let made = 0; made < megabytes << 20; made += 2 * 1024) {
    const [one, two] = [new Node('young'), new Node('young')];
    one.next = two;
    two.next = one;
    (one as { holds?: unknown }).holds = holds();
  }
}

function manyReferences(): void {
  let wrong = 0;
  for (let round = 0; round < 1_000_000; round++) {
    // Each line takes references to things of the image, and gives them back.
    const { object, symbol, big, node } = old;
    const pair = [object, symbol, big, node, object.text];
    if (pair[0] !== object || pair[4] !== object.text) wrong += 1;
  }
  checkEqual('a million references to what is in the image come and go', wrong, 0);
  const kept = Array.from({ length: 200_000 }, () => old.object);
  check(
    'many are held at once',
    kept.every((each) => each === old.object),
  );
  kept.length = 0;
  checkEqual(
    'and it is as it was',
    [old.object.text, old.node.name, String(old.symbol), String(old.big)],
    ['made with the image', 'old', 'Symbol(old)', '1267650600228229401496703205376'],
  );
}

function lettingGo(): void {
  const { map, object } = old;
  map.clear();
  map.set('second', 2);
  object.list = [];
  for (let index = 0; index < 1000; index++) object.list.push({ index });
  for (const name of ['text', 'more', 'and more', 'again']) (object as Record<string, unknown>)[name] = name;
  delete (old as { rope?: string }).rope;
  variable = undefined;
  makeGarbage(100, () => object);
  check(
    'what the image alone refers to stays: what was made later, too',
    object.list.every((each, index) => (each as { index: number }).index === index) && map.get('second') === 2,
  );
  checkEqual(
    'objects of the image take properties and lose them',
    [Object.keys(object), variable],
    [['text', 'list', 'more', 'and more', 'again'], undefined],
  );
}

function cycles(): void {
  old.node.next = new Node('young');
  old.node.next.next = old.node;
  makeGarbage(200, () => old.node);
  checkEqual('a cycle through the image lives', old.node.next.next.name, 'old');
  old.node.next = undefined;
  makeGarbage(200, () => [old.map, old.counter]);
  checkEqual('cycles that hold the image are collected, 500 MiB of them', old.counter(), 1);
}

function weakness(): void {
  check('a weak reference of the image to what was collected is empty', old.weakRef.deref() === undefined);
  const young = new WeakRef(old.node);
  let dead: WeakRef<object> | undefined;
  const mortalKeys = (): void => {
    for (let index = 0; index < 1000; index++) old.weakMap.set({ index }, [old.object, index]);
    const key: { self?: unknown } = {};
    key.self = key;
    old.weakMap.set(key, { key });
    dead = new WeakRef(key);
  };
  mortalKeys();
  makeGarbage(100, () => old.weakMap);
  check('a weak reference to the image is never empty', young.deref() === old.node);
  check(
    'a young key of a weak map of the image is collected, its value refers to it or not',
    dead?.deref() === undefined,
  );
  checkEqual('and one of the image is not', old.weakMap.get(keyOfTheImage), 'value of the image');
}

async function waiting(): Promise<void> {
  let sum = 0;
  const steps = Array.from({ length: 1000 }, (_, index) => Promise.resolve(index).then((value) => (sum += value)));
  makeGarbage(60, () => steps);
  await Promise.all(steps);
  checkEqual('promises that wait while there is a collection go on', sum, 499_500);
}

function outOfMemory(): void {
  const kept: unknown[] = [];
  try {
    for (;;) kept.push(new Uint8Array(1 << 20));
  } catch {
    // Full.
  }
  const mebibytes = kept.length;
  kept.length = 0;
  check('the heap ends below 64 MiB, the image included', mebibytes > 48 && mebibytes < 64, String(mebibytes));
}

/** Pages of the image that this process has a copy of, because it wrote to them. */
function copiedPages(): { readonly copied: number; readonly all: number } {
  let [copied, all] = [0, 0];
  let isImage = false as boolean;
  for (const line of readText('/proc/self/smaps').split('\n')) {
    const range = /^([0-9a-f]+)-[0-9a-f]+ \S+ \S+ \S+ (\d+)/.exec(line);
    if (range) isImage = /^4[0-9a-f]{8}$/.test(range[1] ?? '') && range[2] !== '0';
    const kibibytes = /^(Size|Anonymous): +(\d+) kB/.exec(line);
    if (!isImage || !kibibytes) continue;
    if (kibibytes[1] === 'Size') all += Number(kibibytes[2]) / 4;
    else copied += Number(kibibytes[2]) / 4;
  }
  return { copied, all };
}

startWith(
  () =>
    runChecks(async () => {
      const first = copiedPages();
      check('the process goes on from an image', first.all > 100, String(first.all));
      // Half of it are arenas for what is made later.
      check(
        'and has written to few of its pages',
        first.copied < 60,
        `${String(first.copied)} of ${String(first.all)}`,
      );
      let sum = 0;
      for (let round = 0; round < 10_000; round++) sum += Object.keys(old).filter((name) => name.length > 2).length;
      const second = copiedPages();
      check(
        'uses what is in it without writing to it',
        sum > 0 && second.copied - first.copied <= 8,
        `${String(first.copied)}, then ${String(second.copied)}`,
      );
      manyReferences();
      lettingGo();
      cycles();
      weakness();
      await waiting();
      outOfMemory();
      check('image: the program runs to its end', true);
    }),
  () => Promise.resolve(),
);
