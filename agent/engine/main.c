/* SPDX-License-Identifier: Apache-2.0 */
/* Starts QuickJS-ng, runs the chosen bytecode program, then alternates between its jobs and its event loop. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine.h"

/* An engine that runs out of memory fails one request; without a limit the kernel would run out instead. */
#define HEAP_LIMIT_BYTES ((size_t)64 << 20)
/* PID 1 has 8 MiB of stack; half of it holds about 6,000 plain frames. */
#ifndef STACK_LIMIT_BYTES
#define STACK_LIMIT_BYTES ((size_t)4 << 20)
#endif
/* Never collect below this heap size, and at least at 1.5 times the live size. */
#define GC_FLOOR_BYTES ((size_t)256 << 10)
/* Until the first idle moment: loading a program makes no garbage, and looking for it would take a tenth of the start. */
#define GC_START_BYTES ((size_t)4 << 20)

extern char **environ;

/* No handler ever runs: signals are read from a signalfd. The raw call also blocks the ones musl keeps for itself. */
static void block_signals(void) {
    unsigned long all = ~0ul;
    syscall(SYS_rt_sigprocmask, 0 /* SIG_BLOCK */, &all, NULL, sizeof all);
}

/* The kernel starts PID 1 without descriptors when /dev/console is missing; the next open must not become stdout. */
static void fill_standard_descriptors(void) {
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) != -1)
            continue;
        int opened = open("/dev/null", O_RDWR);
        if (opened < 0)
            opened = open("/", O_PATH);
        if (opened != fd && opened >= 0) {
            dup2(opened, fd);
            close(opened);
        }
    }
}

static JSContext *create_context(JSRuntime *rt) {
    JSContext *ctx = JS_NewContextRaw(rt);
    if (!ctx || JS_AddIntrinsicBaseObjects(ctx) < 0 || JS_AddIntrinsicDate(ctx) < 0 || JS_AddIntrinsicRegExp(ctx) < 0 ||
        JS_AddIntrinsicJSON(ctx) < 0 || JS_AddIntrinsicProxy(ctx) < 0 || JS_AddIntrinsicMapSet(ctx) < 0 ||
        JS_AddIntrinsicTypedArrays(ctx) < 0 || JS_AddIntrinsicPromise(ctx) < 0 || JS_AddIntrinsicWeakRef(ctx) < 0)
        return NULL;
    return ctx;
}

static void run_jobs(JSRuntime *rt, JSContext *ctx) {
    JSContext *job_ctx;
    int status;
    while ((status = JS_ExecutePendingJob(rt, &job_ctx)) > 0) {
    }
    if (status < 0)
        fatal_exception(ctx, JS_GetException(job_ctx));
}

static void collect(JSRuntime *rt) {
    JSMemoryUsage usage;
    JS_RunGC(rt);
    JS_ComputeMemoryUsage(rt, &usage);
    size_t threshold = (size_t)usage.malloc_size + (size_t)usage.malloc_size / 2;
    JS_SetGCThreshold(rt, threshold > GC_FLOOR_BYTES ? threshold : GC_FLOOR_BYTES);
}

/* One call of the program's event loop (`engine.turn`). 0: no loop, the program is over. */
static int turn(JSRuntime *rt, JSContext *ctx, JSValueConst engine) {
    JSValue function = JS_GetPropertyStr(ctx, engine, "turn");
    if (!JS_IsFunction(ctx, function)) {
        JS_FreeValue(ctx, function);
        return 0;
    }
    /* A rejection nobody handled must not wait for the next event to be judged: there may never be one. */
    JSValueConst must_not_wait[1] = {JS_NewBool(ctx, rejections_pending())};
    JSValue result = JS_Call(ctx, function, JS_UNDEFINED, 1, must_not_wait);
    JS_FreeValue(ctx, function);
    if (JS_IsException(result))
        fatal_exception(ctx, JS_GetException(ctx));
    /* true: nothing has happened for a while, the moment to give memory back. */
    if (JS_IsBool(result) && JS_ToBool(ctx, result))
        collect(rt);
    JS_FreeValue(ctx, result);
    return 1;
}

/* The interpreter with the program's modules loaded, up to where they wait for `engine.start`. */
static void load(const struct entry *entry, char **argv, JSRuntime **runtime, JSContext **context) {
    heap_loading(1);
    JSRuntime *rt = entry->is_image_maker ? image_new_runtime() : heap_new_runtime();
    if (!rt)
        fatal_message("kihon: fatal: no memory for the engine\n");
    JS_SetMemoryLimit(rt, HEAP_LIMIT_BYTES);
    JS_SetGCThreshold(rt, GC_START_BYTES);
    JS_SetMaxStackSize(rt, STACK_LIMIT_BYTES);
    JSContext *ctx = create_context(rt);
    if (!ctx)
        fatal_message("kihon: fatal: no memory for the engine's objects\n");
    rejections_track(rt);
    if (natives_install(ctx, entry) < 0 || (!entry->is_image_maker && natives_start(ctx, argv, environ) < 0))
        fatal_exception(ctx, JS_GetException(ctx));
    if (entry->is_image_maker)
        natives_forbid_calls();

    JSValue result = modules_run(ctx, entry->module);
    if (JS_IsException(result))
        fatal_exception(ctx, JS_GetException(ctx));
    JS_FreeValue(ctx, result);
    *runtime = rt;
    *context = ctx;
}

/* Calls a function of the object `engine`, if it is there. */
static void call(JSContext *ctx, JSValueConst engine, const char *name) {
    JSValue function = JS_GetPropertyStr(ctx, engine, name);
    if (JS_IsFunction(ctx, function)) {
        JSValue result = JS_Call(ctx, function, JS_UNDEFINED, 0, NULL);
        if (JS_IsException(result))
            fatal_exception(ctx, JS_GetException(ctx));
        JS_FreeValue(ctx, result);
    }
    JS_FreeValue(ctx, function);
}

static void make_image(JSRuntime *rt, JSContext *ctx, JSValueConst engine) {
    JSValue reason;
    run_jobs(rt, ctx);
    call(ctx, engine, "preload");
    run_jobs(rt, ctx);
    if (rejections_expired(ctx, &reason) || rejections_expired(ctx, &reason))
        fatal_exception(ctx, reason);
    if (interpreter_complete(ctx) < 0)
        fatal_exception(ctx, JS_GetException(ctx));
    JS_RunGC(rt);
    interpreter_freeze(rt);
    heap_fill_arenas(rt);
    image_write(rt, ctx);
    _exit(0);
}

int main(int argc, char **argv) {
    (void)argc;
    JSRuntime *rt;
    JSContext *ctx;
    block_signals();
    fill_standard_descriptors();
    const struct entry *entry = entry_select(argv[0]);
    if (entry->is_exposed)
        protect_executable(argv, environ);
    if (entry->is_image_maker)
        image_leave_chance(argv);
    /* Local-time Date methods would open /etc/localtime, which may be the container's (engine-facts 2). */
    setenv("TZ", "", 1);

    int is_restored = entry->is_exposed && image_restore(&rt, &ctx);
    if (is_restored) {
        if (natives_start(ctx, argv, environ) < 0)
            fatal_exception(ctx, JS_GetException(ctx));
    } else {
        load(entry, argv, &rt, &ctx);
    }
    JSValue global = JS_GetGlobalObject(ctx);
    JSValue engine = JS_GetPropertyStr(ctx, global, "engine");
    JS_FreeValue(ctx, global);
    if (entry->is_image_maker)
        make_image(rt, ctx, engine);
    if (entry->is_resident && !is_restored)
        heap_loading(0);
    call(ctx, engine, "start");

    for (;;) {
        JSValue reason;
        run_jobs(rt, ctx);
        if (rejections_expired(ctx, &reason))
            fatal_exception(ctx, reason);
        if (!turn(rt, ctx, engine)) {
            run_jobs(rt, ctx);
            while (!rejections_expired(ctx, &reason)) {
#ifdef KIHON_CHECK_LEAKS
                JS_FreeValue(ctx, engine);
                JS_FreeContext(ctx);
                JS_FreeRuntime(rt);
#endif
                _exit(0);
            }
            fatal_exception(ctx, reason);
        }
    }
}
