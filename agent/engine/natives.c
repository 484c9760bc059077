/* SPDX-License-Identifier: Apache-2.0 */
/* The global object `engine`: system calls, addresses and UTF-8. Everything else is TypeScript. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine.h"

#define MAX_ARGS 6

/*
 * A string argument as the kernel sees it. `owned` is the engine's string; `copy` exists only when the text holds escaped
 * bytes (lone surrogates U+DC80..U+DCFF standing for one byte each, see base/text.ts).
 */
struct text {
    const char *owned;
    char *copy;
    size_t length;
};

static void text_free(JSContext *ctx, struct text *text) {
    if (text->owned)
        JS_FreeCString(ctx, text->owned);
    js_free(ctx, text->copy);
}

/* Turns escaped bytes back into bytes, other lone surrogates into U+FFFD. Only text with 0xED can hold either. */
static int text_read(JSContext *ctx, struct text *text, JSValueConst value) {
    memset(text, 0, sizeof *text);
    text->owned = JS_ToCStringLen(ctx, &text->length, value);
    if (!text->owned)
        return -1;
    if (!memchr(text->owned, 0xed, text->length))
        return 0;
    const unsigned char *from = (const unsigned char *)text->owned, *end = from + text->length;
    char *to = text->copy = js_malloc(ctx, text->length + 1);
    if (!to)
        return -1;
    while (from < end) {
        if (end - from < 3 || from[0] != 0xed || from[1] < 0xa0) {
            *to++ = (char)*from++;
            continue;
        }
        unsigned unit = 0xd000u | (from[1] & 0x3fu) << 6 | (from[2] & 0x3fu);
        from += 3;
        if (unit >= 0xdc80 && unit <= 0xdcff) {
            *to++ = (char)(unit - 0xdc00);
        } else {
            memcpy(to, "\xef\xbf\xbd", 3);
            to += 3;
        }
    }
    *to = 0;
    text->length = (size_t)(to - text->copy);
    return 0;
}

static const char *text_bytes(const struct text *text) {
    return text->copy ? text->copy : text->owned;
}

static int calls_are_forbidden;

void natives_forbid_calls(void) {
    calls_are_forbidden = 1;
}

/* engine.syscall(nr, ...args): the result, or -errno. engine.retriedSyscall: the same, again while it is -EINTR. */
static JSValue native_syscall(JSContext *ctx, JSValueConst this_value, int argc, JSValueConst *argv, int is_retried) {
    (void)this_value;
    struct text texts[MAX_ARGS];
    int text_count = 0;
    long args[MAX_ARGS] = {0};
    int64_t number;
    JSValue result = JS_EXCEPTION;

    if (calls_are_forbidden)
        return JS_ThrowTypeError(ctx, "a system call while the program is loaded");
    if (argc < 1 || argc > MAX_ARGS + 1)
        return JS_ThrowTypeError(ctx, "syscall takes a number and up to six arguments");
    if (JS_ToInt64(ctx, &number, argv[0]))
        return JS_EXCEPTION;
    for (int i = 0; i < argc - 1; i++) {
        JSValueConst value = argv[i + 1];
        if (JS_IsNumber(value) || JS_IsBigInt(value)) {
            int64_t integer;
            if (JS_IsBigInt(value) ? JS_ToBigInt64(ctx, &integer, value) : JS_ToInt64(ctx, &integer, value))
                goto done;
            args[i] = (long)integer;
        } else if (JS_IsString(value)) {
            if (text_read(ctx, &texts[text_count++], value))
                goto done;
            struct text *text = &texts[text_count - 1];
            const char *bytes = text_bytes(text);
            /* The kernel would see only the head: a check on the whole text would be a check on something else (ENG-01). */
            if (memchr(bytes, 0, text->length)) {
                JS_ThrowTypeError(ctx, "string argument %d holds a NUL", i + 1);
                goto done;
            }
            args[i] = (long)(uintptr_t)bytes;
        } else if (JS_IsNull(value)) {
            args[i] = 0;
        } else {
            /* Typed arrays never move, and the argument keeps this one alive until we return. */
            size_t size;
            uint8_t *address = JS_GetUint8Array(ctx, &size, value);
            if (!address)
                goto done;
            args[i] = (long)(uintptr_t)address;
        }
    }
    long outcome;
    do {
        outcome = syscall((long)number, args[0], args[1], args[2], args[3], args[4], args[5]);
        if (outcome == -1)
            outcome = -errno;
    } while (is_retried && outcome == -EINTR);
    int forks = number == SYS_clone || number == SYS_clone3;
#ifdef SYS_fork
    forks = forks || number == SYS_fork;
#endif
    /* In the child a collection would write to every object and make the whole shared heap private (engine-facts 2). */
    if (forks && outcome == 0)
        JS_SetGCThreshold(JS_GetRuntime(ctx), (size_t)-1);
    result = JS_NewInt64(ctx, outcome);
done:
    for (int i = 0; i < text_count; i++)
        text_free(ctx, &texts[i]);
    return result;
}

/*
 * engine.syscallForEach(bytes, index, nr, ...args): the call once for each byte, which takes the place of argument `index`; each
 * byte becomes the errno, 0 for success. A hundred calls of a launch differ in one small number.
 */
static JSValue native_syscall_for_each(JSContext *ctx, JSValueConst this_value, int argc, JSValueConst *argv) {
    JSValueConst call[MAX_ARGS + 1];
    int32_t index;
    size_t size;
    uint8_t *bytes = JS_GetUint8Array(ctx, &size, argv[0]);
    if (!bytes || JS_ToInt32(ctx, &index, argv[1]))
        return JS_EXCEPTION;
    int count = argc - 2;
    if (count < 1 || count > MAX_ARGS + 1 || index < 0 || index + 1 >= count)
        return JS_ThrowTypeError(ctx, "syscallForEach takes bytes, an index, a number and its arguments");
    memcpy(call, argv + 2, (size_t)count * sizeof *call);
    for (size_t i = 0; i < size; i++) {
        call[index + 1] = JS_NewInt32(ctx, bytes[i]);
        JSValue result = native_syscall(ctx, this_value, count, call, 1);
        int32_t outcome;
        if (JS_IsException(result) || JS_ToInt32(ctx, &outcome, result))
            return JS_EXCEPTION;
        bytes[i] = outcome < 0 ? (uint8_t)-outcome : 0;
    }
    return JS_UNDEFINED;
}

/* engine.addressOf(bytes): where a Uint8Array lies. The caller keeps it referenced. */
static JSValue native_address_of(JSContext *ctx, JSValueConst this_value, int argc, JSValueConst *argv) {
    (void)this_value, (void)argc;
    size_t size;
    uint8_t *address = JS_GetUint8Array(ctx, &size, argv[0]);
    return address ? JS_NewInt64(ctx, (int64_t)(uintptr_t)address) : JS_EXCEPTION;
}

static JSValue native_utf8_encode(JSContext *ctx, JSValueConst this_value, int argc, JSValueConst *argv) {
    (void)this_value, (void)argc;
    struct text text;
    JSValue result = JS_EXCEPTION;
    if (text_read(ctx, &text, argv[0]) == 0)
        result = JS_NewUint8ArrayCopy(ctx, (const uint8_t *)text_bytes(&text), text.length);
    text_free(ctx, &text);
    return result;
}

/* Length of the well-formed sequence at `p` (RFC 3629), 0 if there is none. */
static size_t utf8_sequence(const uint8_t *p, size_t left) {
    uint8_t low = 0x80, high = 0xbf;
    size_t length = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
    if (length == 0 || length > left)
        return 0;
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xed)
        high = 0x9f;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

/* engine.utf8Decode(bytes, start?, end?): the text, or null when the bytes are not well-formed UTF-8. A view of a part would cost more. */
static JSValue native_utf8_decode(JSContext *ctx, JSValueConst this_value, int argc, JSValueConst *argv) {
    (void)this_value;
    size_t size;
    int64_t start = 0, end = 0;
    if (argc > 1 && (JS_ToInt64(ctx, &start, argv[1]) < 0 || JS_ToInt64(ctx, &end, argv[2]) < 0))
        return JS_EXCEPTION;
    const uint8_t *bytes = JS_GetUint8Array(ctx, &size, argv[0]);
    if (!bytes)
        return JS_EXCEPTION;
    if (argc > 1) {
        if (start < 0 || end < start || (uint64_t)end > size)
            return JS_ThrowRangeError(ctx, "utf8Decode beyond the bytes");
        bytes += start;
        size = (size_t)(end - start);
    }
    for (size_t i = 0; i < size;) {
        size_t step = bytes[i] < 0x80 ? 1 : utf8_sequence(bytes + i, size - i);
        if (step == 0)
            return JS_NULL;
        i += step;
    }
    return JS_NewStringLen(ctx, (const char *)bytes, size);
}

#ifdef KIHON_FAILPOINTS
/* engine.abort(), in a test build only: what the interpreter does when it finds itself broken. */
static JSValue native_abort(JSContext *ctx, JSValueConst this_value, int argc, JSValueConst *argv) {
    (void)ctx, (void)this_value, (void)argc, (void)argv;
    abort();
}
#endif

static JSValue strings(JSContext *ctx, char **list) {
    JSValue array = JS_NewArray(ctx);
    for (uint32_t i = 0; list[i] && !JS_IsException(array); i++) {
        if (JS_SetPropertyUint32(ctx, array, i, JS_NewString(ctx, list[i])) < 0) {
            JS_FreeValue(ctx, array);
            return JS_EXCEPTION;
        }
    }
    return array;
}

/* Buffers that can change their size would let a view outlive its bytes (engine-facts 0.2). */
static int remove_resizing(JSContext *ctx, JSValueConst global) {
    static const char *const names[] = {"resize", "transfer", "transferToFixedLength", "transferToImmutable"};
    JSValue constructor = JS_GetPropertyStr(ctx, global, "ArrayBuffer");
    JSValue prototype = JS_GetPropertyStr(ctx, constructor, "prototype");
    int status = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && status >= 0; i++) {
        JSAtom atom = JS_NewAtom(ctx, names[i]);
        status = JS_DeleteProperty(ctx, prototype, atom, 0);
        JS_FreeAtom(ctx, atom);
    }
    JS_FreeValue(ctx, prototype);
    JS_FreeValue(ctx, constructor);
    return status;
}

static JSValue syscall_function(JSContext *ctx, const char *name, int is_retried) {
    return JS_NewCFunctionMagic(ctx, native_syscall, name, 7, JS_CFUNC_generic_magic, is_retried);
}

int natives_install(JSContext *ctx, const struct entry *entry) {
    JSValue global = JS_GetGlobalObject(ctx);
    JSValue engine = JS_NewObject(ctx);
    int failed = 0;
    failed |= JS_SetPropertyStr(ctx, engine, "syscall", syscall_function(ctx, "syscall", 0)) < 0;
    failed |= JS_SetPropertyStr(ctx, engine, "retriedSyscall", syscall_function(ctx, "retriedSyscall", 1)) < 0;
    failed |= JS_SetPropertyStr(ctx, engine, "syscallForEach",
                                JS_NewCFunction(ctx, native_syscall_for_each, "syscallForEach", 9)) < 0;
    failed |= JS_SetPropertyStr(ctx, engine, "addressOf", JS_NewCFunction(ctx, native_address_of, "addressOf", 1)) < 0;
    failed |= JS_SetPropertyStr(ctx, engine, "utf8Encode", JS_NewCFunction(ctx, native_utf8_encode, "utf8Encode", 1)) < 0;
    failed |= JS_SetPropertyStr(ctx, engine, "utf8Decode", JS_NewCFunction(ctx, native_utf8_decode, "utf8Decode", 3)) < 0;
#ifdef KIHON_FAILPOINTS
    failed |= JS_SetPropertyStr(ctx, engine, "abort", JS_NewCFunction(ctx, native_abort, "abort", 0)) < 0;
#endif
    failed |= JS_SetPropertyStr(ctx, engine, "entry", JS_NewString(ctx, entry->name)) < 0;
    failed |= JS_SetPropertyStr(ctx, global, "engine", engine) < 0;
    failed |= remove_resizing(ctx, global) < 0;
    JS_FreeValue(ctx, global);
    return failed ? -1 : 0;
}

int natives_start(JSContext *ctx, char **argv, char **envp) {
    JSValue global = JS_GetGlobalObject(ctx);
    JSValue engine = JS_GetPropertyStr(ctx, global, "engine");
    int failed = JS_SetPropertyStr(ctx, engine, "argv", strings(ctx, argv)) < 0;
    failed |= JS_SetPropertyStr(ctx, engine, "environ", strings(ctx, envp)) < 0;
    JS_FreeValue(ctx, engine);
    JS_FreeValue(ctx, global);
    return failed ? -1 : 0;
}
