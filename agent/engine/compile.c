/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Build tool: compiles one ES module to bytecode with the same QuickJS source that will run it (opcodes and atoms are not
 * checked at load time, engine-facts 6). Usage: compile NAME INPUT.js OUTPUT
 */
#include <stdio.h>
#include <stdlib.h>

#include "quickjs.h"

static int fail(const char *what, const char *path) {
    fprintf(stderr, "compile: %s %s\n", what, path);
    return 1;
}

/* What a module imports is not there yet, and only its name is needed. */
static JSModuleDef *pretend(JSContext *ctx, const char *name, void *opaque) {
    (void)opaque;
    return JS_NewCModule(ctx, name, NULL);
}

int main(int argc, char **argv) {
    if (argc != 4)
        return fail("usage:", "compile NAME INPUT OUTPUT");
    FILE *in = fopen(argv[2], "rb");
    if (!in || fseek(in, 0, SEEK_END))
        return fail("cannot read", argv[2]);
    long size = ftell(in);
    char *source = size < 0 ? NULL : malloc((size_t)size + 1);
    rewind(in);
    if (!source || fread(source, 1, (size_t)size, in) != (size_t)size)
        return fail("cannot read", argv[2]);
    source[size] = 0;
    fclose(in);

    JSRuntime *rt = JS_NewRuntime();
    JSContext *ctx = JS_NewContext(rt);
    JS_SetModuleLoaderFunc(rt, NULL, pretend, NULL);
    JSValue program = JS_Eval(ctx, source, (size_t)size, argv[1],
                              JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
    if (JS_IsException(program)) {
        JSValue error = JS_GetException(ctx);
        JSValue stack = JS_GetPropertyStr(ctx, error, "stack");
        fprintf(stderr, "%s\n%s", JS_ToCString(ctx, error), JS_ToCString(ctx, stack));
        return 1;
    }
    size_t length;
    /* The source text is dropped, the position tables stay: they make stacks readable for 8 % more heap. */
    uint8_t *bytes = JS_WriteObject(ctx, &length, program, JS_WRITE_OBJ_BYTECODE | JS_WRITE_OBJ_STRIP_SOURCE);
    FILE *out = fopen(argv[3], "wb");
    if (!bytes || !out || fwrite(bytes, 1, length, out) != length || fclose(out))
        return fail("cannot write", argv[3]);
    return 0;
}
