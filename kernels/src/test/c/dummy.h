/*
 * What the stand-ins for NVIDIA's libraries have in common. Each call is a line on the standard output, "call cublasGemmEx ...", with all its arguments; nothing is computed.
 *
 * DUMMY_FAIL "call=number call=number": these calls fail so.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int R;
typedef const void *P;

static R planned(const char *call) {
    size_t n = strlen(call);
    for (const char *s = getenv("DUMMY_FAIL"); s; s = strchr(s, ' ') ? strchr(s, ' ') + 1 : NULL) {
        if (!strncmp(s, call, n) && s[n] == '=') {
            return atoi(s + n + 1);
        }
    }
    return 0;
}

static void told(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    fflush(stdout);
}

#define PLANNED do { R r_ = planned(__func__); if (r_) return r_; } while (0)
