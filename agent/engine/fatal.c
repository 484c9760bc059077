/* SPDX-License-Identifier: Apache-2.0 */
/* The end of the road: say why on stderr and the log descriptor, then power off (PID 1) or exit with 70 (EX_SOFTWARE). */
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"

#define EXIT_SOFTWARE 70
/* How long the program's own last words may take. The whole end must be over within 2 s (design, "Failure"). */
#define LAST_WORDS_MS 1000

/* How long stderr may be full, all messages together: nobody may be reading the console. */
#define FULL_STDERR_MS 500

/* How long a log client's host has to take the report before the power goes: what is queued in the device is lost then. */
#define LOG_DRAIN_MS 100

static int is_dying;
static int has_log_client;
static int patience_ms = FULL_STDERR_MS;

static void say(const char *text, size_t length) {
    int flags = fcntl(2, F_GETFL);
    if (flags >= 0)
        fcntl(2, F_SETFL, flags | O_NONBLOCK);
    while (length > 0) {
        ssize_t n = write(2, text, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN && patience_ms > 0) {
            /* A terminal can be writable for poll and full for write, so the time is counted by rounds. */
            struct timespec pause = {0, 10 * 1000000};
            nanosleep(&pause, NULL);
            patience_ms -= 10;
            continue;
        }
        if (n <= 0)
            break;
        text += n;
        length -= (size_t)n;
    }
    /* A shell that shares the terminal would not expect the change. */
    if (flags >= 0)
        fcntl(2, F_SETFL, flags);
}

static void say_everywhere(const char *text, size_t length) {
    say(text, length);
    if (send(FATAL_LOG_FD, text, length, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        has_log_client = 1;
}

static void end(void) __attribute__((noreturn));
static void end(void) {
    if (syscall(SYS_getpid) == 1) {
        struct timespec drain = {0, LOG_DRAIN_MS * 1000000L};
        if (has_log_client)
            nanosleep(&drain, NULL);
        /* The file systems of a sandbox are tmpfs and shares: a sync could hang on a dead host and is not worth it. */
        syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF, 0);
    }
    _exit(EXIT_SOFTWARE);
}

void fatal_message(const char *text) {
    if (!is_dying) {
        is_dying = 1;
        say_everywhere(text, strlen(text));
    }
    end();
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t deadline_ms;

static int over_deadline(JSRuntime *rt, void *opaque) {
    (void)rt, (void)opaque;
    return now_ms() > deadline_ms;
}

static void say_string(JSContext *ctx, JSValue value, const char *before, const char *after) {
    size_t length;
    const char *text = JS_ToCStringLen(ctx, &length, value);
    if (!text) {
        JS_FreeValue(ctx, JS_GetException(ctx));
        return;
    }
    say_everywhere(before, strlen(before));
    say_everywhere(text, length);
    say_everywhere(after, strlen(after));
    JS_FreeCString(ctx, text);
}

/* An error, its stack and its causes. `e.stack` holds neither the message nor the cause (engine-facts 0.7). */
static void say_error(JSContext *ctx, JSValueConst error) {
    JSValue current = JS_DupValue(ctx, error);
    for (int depth = 0; depth < 8; depth++) {
        if (JS_IsNull(current)) { /* how the engine reports that even the Error could not be built */
            say_everywhere("out of memory\n", 14);
            break;
        }
        say_string(ctx, current, depth ? "caused by: " : "", "\n");
        if (!JS_IsObject(current))
            break;
        JSValue stack = JS_GetPropertyStr(ctx, current, "stack");
        if (JS_IsString(stack))
            say_string(ctx, stack, "", "");
        JS_FreeValue(ctx, stack);
        JSValue cause = JS_GetPropertyStr(ctx, current, "cause");
        JS_FreeValue(ctx, current);
        current = cause;
        if (JS_IsUndefined(current) || JS_IsException(current))
            break;
    }
    JS_FreeValue(ctx, current);
}

static void last_words(JSContext *ctx, JSValueConst error) {
    JSValue global = JS_GetGlobalObject(ctx);
    JSValue engine = JS_GetPropertyStr(ctx, global, "engine");
    JSValue on_fatal = JS_GetPropertyStr(ctx, engine, "onFatal");
    if (JS_IsFunction(ctx, on_fatal)) {
        JSValueConst args[1] = {error};
        JSValue result = JS_Call(ctx, on_fatal, JS_UNDEFINED, 1, args);
        if (JS_IsException(result))
            say_string(ctx, JS_GetException(ctx), "kihon: while dying: ", "\n");
    }
}

void fatal_exception(JSContext *ctx, JSValue error) {
    if (is_dying)
        end();
    is_dying = 1;
    JSRuntime *rt = JS_GetRuntime(ctx);
    /* Room to speak when the heap limit itself was the reason; and no loop may keep us from ending. */
    JS_SetMemoryLimit(rt, 0);
    deadline_ms = now_ms() + LAST_WORDS_MS;
    JS_SetInterruptHandler(rt, over_deadline, NULL);
    say_everywhere("kihon: fatal: ", 14);
    say_error(ctx, error);
    last_words(ctx, error);
    end();
}
