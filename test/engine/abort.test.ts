/** `abort()` after a raw fork ends the child and nobody else (ENG-08): musl's own would signal the parent. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runProgram } from '../support/engine/run-in-engine.ts';

const engine = resolve(import.meta.dirname, '../../agent/engine');

/** Forks as TypeScript does, by the bare system call, with every signal blocked, and aborts in the child. */
const source = `
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void fatal_message(const char *text) { (void)text; _exit(70); }

int main(void) {
    unsigned long all = ~0ul;
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, sizeof all);
    long pid = syscall(SYS_fork);
    if (pid == 0)
        abort();
    int status = 0;
    waitpid((pid_t)pid, &status, 0);
    printf("%d %d\\n", WIFSIGNALED(status) ? WTERMSIG(status) : -1, WIFSIGNALED(status) ? 0 : WEXITSTATUS(status));
    return 0;
}
`;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kihon-abort-'));
  writeFileSync(join(folder, 'main.c'), source);
});
afterAll(() => rmSync(folder, { recursive: true }));

it('our abort() ends the child by SIGABRT, and the parent goes on', async () => {
  const program = join(folder, 'program');
  // abort.c asks the engine's header for one declaration only; the interpreter is not linked.
  writeFileSync(join(folder, 'quickjs.h'), 'typedef int JSRuntime, JSContext, JSValue, JSValueConst;\n');
  const sources = [join(folder, 'main.c'), join(engine, 'abort.c')];
  execFileSync('musl-gcc', ['-O2', '-static', `-I${folder}`, `-I${engine}`, '-o', program, ...sources], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const run = await runProgram(program, []);
  expect({ status: run.status, signal: run.signal, stdout: run.stdout }).toEqual({
    status: 0,
    signal: null,
    stdout: '6 0\n',
  });
  expect(run.stderr).toBe('kihon: engine abort\n');
});
