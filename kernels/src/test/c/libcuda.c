/*
 * Stands in for NVIDIA's libcuda.so.1 in tests and in the launch benchmark: the calls that Jacquard makes, on host memory, without kernels.
 *
 * DUMMY_VERSION   what cuDriverGetVersion says (13000)
 * DUMMY_DEVICES   number of devices (1)
 * DUMMY_SM        compute capability (90)
 * DUMMY_FAIL      "call=number call=number": these calls fail so; a number from 700 to 799 is sticky: all later calls fail with it too
 * -DLACKS_GRAPHS  leaves cuGraphLaunch out
 *
 * Calls that need a context check that the calling thread has one; device N has 5 + N GiB free. The kernel "record" writes its grid, block, shared memory and second parameter to where its first
 * parameter points; "nothing" does nothing; "absent" is not there.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int R;
typedef uint64_t U;

static char contexts[64];
static __thread char *current;
static int retained[64], sticky, checked, failing;

static long setting(const char *name, long otherwise) {
    const char *s = getenv(name);
    return s ? atol(s) : otherwise;
}

static R planned(const char *call) {
    if (!checked) {
        checked = 1;
        failing = getenv("DUMMY_FAIL") != NULL;
    }
    if (sticky) {
        return sticky;
    }
    if (failing) {
        size_t n = strlen(call);
        for (const char *s = getenv("DUMMY_FAIL"); s; s = strchr(s, ' ') ? strchr(s, ' ') + 1 : NULL) {
            if (!strncmp(s, call, n) && s[n] == '=') {
                int code = atoi(s + n + 1);
                if (code >= 700 && code < 800) {
                    sticky = code;
                }
                return code;
            }
        }
    }
    return 0;
}

#define PLANNED do { R r_ = planned(__func__); if (r_) return r_; } while (0)
#define NEEDS_CONTEXT do { if (!current) return 201; PLANNED; } while (0)

R cuInit(unsigned flags) { PLANNED; return flags ? 1 : setting("DUMMY_DEVICES", 1) ? 0 : 100; }
R cuDriverGetVersion(int *v) { PLANNED; *v = (int) setting("DUMMY_VERSION", 13000); return 0; }
R cuDeviceGetCount(int *n) { PLANNED; *n = (int) setting("DUMMY_DEVICES", 1); return 0; }
R cuDeviceGet(int *d, int ordinal) { PLANNED; *d = ordinal; return ordinal < setting("DUMMY_DEVICES", 1) ? 0 : 101; }
R cuDeviceGetName(char *name, int len, int d) { PLANNED; snprintf(name, (size_t) len, "Dummy %d", d); return 0; }
R cuDeviceTotalMem_v2(size_t *bytes, int d) { PLANNED; (void) d; *bytes = 8ull << 30; return 0; }

R cuDeviceGetAttribute(int *v, int a, int d) {
    (void) d;
    PLANNED;
    int sm = (int) setting("DUMMY_SM", 90);
    *v = a == 16 ? 4 : a == 75 ? sm / 10 : a == 76 ? sm % 10 : a == 97 ? 232448 : 0;
    return 0;
}

R cuDevicePrimaryCtxRetain(void **c, int d) { PLANNED; retained[d]++; *c = &contexts[d]; return 0; }
R cuDevicePrimaryCtxRelease_v2(int d) { if (retained[d] <= 0) return 201; retained[d]--; return 0; }
R cuCtxSetCurrent(char *c) { PLANNED; if (c < contexts || c >= contexts + 64 || !retained[c - contexts]) return 201; current = c; return 0; }

R cuMemAlloc_v2(U *p, size_t n) { NEEDS_CONTEXT; void *m = aligned_alloc(256, (n + 255) / 256 * 256); memset(m, 0xee, n); *p = (U) m; return n ? 0 : 1; }
R cuMemFree_v2(U p) { NEEDS_CONTEXT; free((void *) p); return 0; }
R cuMemGetInfo_v2(size_t *f, size_t *t) { NEEDS_CONTEXT; *f = (U) (5 + current - contexts) << 30; *t = 8ull << 30; return 0; }
R cuMemHostAlloc(void **p, size_t n, unsigned flags) { (void) flags; NEEDS_CONTEXT; *p = malloc(n); return 0; }
R cuMemFreeHost(void *p) { NEEDS_CONTEXT; free(p); return 0; }
R cuMemcpyHtoDAsync_v2(U d, const void *s, size_t n, void *q) { NEEDS_CONTEXT; memcpy((void *) d, s, n); return q ? 0 : 400; }
R cuMemcpyDtoHAsync_v2(void *d, U s, size_t n, void *q) { NEEDS_CONTEXT; memcpy(d, (void *) s, n); return q ? 0 : 400; }
R cuMemcpyDtoDAsync_v2(U d, U s, size_t n, void *q) { NEEDS_CONTEXT; memmove((void *) d, (void *) s, n); return q ? 0 : 400; }
R cuMemsetD8Async(U d, unsigned char v, size_t n, void *q) { NEEDS_CONTEXT; memset((void *) d, v, n); return q ? 0 : 400; }

/* The text must end with a line's end and a null byte. Options come as numbers 3 to 6: buffers for information and errors, and their sizes. */
R cuModuleLoadDataEx(void **m, const void *image, unsigned count, int *options, void **values) {
    if (!current) return 201;
    char *buffer[7] = {0};
    size_t size[7] = {0};
    for (unsigned i = 0; i < count; i++) {
        if (options[i] == 3 || options[i] == 5) buffer[options[i]] = values[i];
        if (options[i] == 4 || options[i] == 6) size[options[i]] = (size_t) (unsigned) (uintptr_t) values[i];
    }
    R r = planned(__func__);
    if (r) {
        if (buffer[5]) snprintf(buffer[5], size[6], "ptxas line 1;\n  error of \"%.40s\"\n", (const char *) image);
        return r;
    }
    size_t n = strlen(image);
    if (n == 0 || ((const char *) image)[n - 1] != '\n') return 200;
    if (buffer[3]) snprintf(buffer[3], size[4], "compiled %zu characters", n);
    *m = strdup(image);
    return 0;
}

R cuModuleUnload(void *m) { NEEDS_CONTEXT; free(m); return 0; }
R cuModuleGetFunction(void **f, void *m, const char *name) { (void) m; NEEDS_CONTEXT; *f = (void *) (uintptr_t) (strcmp(name, "record") ? 1 : 2); return strcmp(name, "absent") ? 0 : 500; }
R cuFuncGetAttribute(int *v, int a, void *f) { (void) f; NEEDS_CONTEXT; *v = a == 0 ? 1024 : a == 1 ? 48 : a == 3 ? 8 : a == 4 ? 32 : -1; return 0; }
R cuFuncSetAttribute(void *f, int a, int v) { (void) f; NEEDS_CONTEXT; return a == 8 && v <= 232448 ? 0 : 1; }

/* Checks what it can and writes all of it down, in words: type, rank, address; sizes, strides, box and steps in five each; interleave, swizzle, promotion, fill. */
R cuTensorMapEncodeTiled(uint32_t *map, int type, uint32_t rank, void *address, const U *sizes, const U *strides, const uint32_t *box, const uint32_t *steps, int interleave, int swizzle, int promotion, int fill) {
    NEEDS_CONTEXT;
    if ((U) map % 64 || (U) address % 16 || rank < 1 || rank > 5) return 1;
    uint32_t all[32] = {(uint32_t) type, rank, (uint32_t) (U) address};
    for (uint32_t i = 0; i < rank; i++) {
        all[3 + i] = (uint32_t) sizes[i];
        all[8 + i] = i ? (uint32_t) strides[i - 1] : 0;
        all[13 + i] = box[i];
        all[18 + i] = steps[i];
    }
    all[23] = (uint32_t) interleave;
    all[24] = (uint32_t) swizzle;
    all[25] = (uint32_t) promotion;
    all[26] = (uint32_t) fill;
    memcpy(map, all, sizeof all);
    return 0;
}

R cuStreamCreate(void **q, unsigned flags) { NEEDS_CONTEXT; *q = calloc(1, 64); return flags == 1 ? 0 : 1; }
R cuStreamDestroy_v2(void *q) { NEEDS_CONTEXT; free(q); return 0; }
R cuStreamSynchronize(void *q) { NEEDS_CONTEXT; return q ? 0 : 400; }
R cuEventCreate(void **e, unsigned flags) { NEEDS_CONTEXT; *e = calloc(1, 64); *(unsigned *) *e = flags; return 0; }
R cuEventDestroy_v2(void *e) { NEEDS_CONTEXT; free(e); return 0; }
R cuEventRecord(void *e, void *q) { NEEDS_CONTEXT; return e && q ? 0 : 400; }
R cuStreamWaitEvent(void *q, void *e, unsigned flags) { NEEDS_CONTEXT; return e && q && !flags ? 0 : 400; }
R cuEventSynchronize(void *e) { NEEDS_CONTEXT; return e ? 0 : 400; }
R cuEventElapsedTime(float *t, void *a, void *b) { NEEDS_CONTEXT; *t = 1.5f; return *(unsigned *) a == 0 && *(unsigned *) b == 0 ? 0 : 400; }

/* A stream's first word: 1 while it captures; a graph holds the last launch that was captured. */
struct graph { void *f; unsigned n[7]; U *to; U value; };
static struct graph captured;

static void run(const struct graph *g) {
    if (g->f == (void *) 2) {
        for (int i = 0; i < 7; i++) g->to[i] = g->n[i];
        g->to[7] += g->value;
    }
}

R cuLaunchKernel(void *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, void *q, void **parameters, void **extra) {
    NEEDS_CONTEXT;
    if (!f || !q || extra) return 400;
    if ((U) bx * by * bz > 1024) return 1;
    if (f == (void *) 1) return 0;
    struct graph g = {f, {gx, gy, gz, bx, by, bz, shared}, *(U **) parameters[0], *(U *) parameters[1]};
    if (*(U *) q) captured = g; else run(&g);
    return 0;
}

R cuStreamBeginCapture_v2(void *q, int mode) { NEEDS_CONTEXT; *(U *) q = 1; return mode == 1 ? 0 : 1; }
R cuStreamEndCapture(void *q, void **g) { NEEDS_CONTEXT; *(U *) q = 0; *g = malloc(sizeof captured); memcpy(*g, &captured, sizeof captured); return 0; }
R cuGraphInstantiateWithFlags(void **x, void *g, U flags) { NEEDS_CONTEXT; *x = malloc(sizeof captured); memcpy(*x, g, sizeof captured); return flags ? 1 : 0; }
R cuGraphDestroy(void *g) { NEEDS_CONTEXT; free(g); return 0; }
R cuGraphExecDestroy(void *x) { NEEDS_CONTEXT; free(x); return 0; }
#ifndef LACKS_GRAPHS
R cuGraphLaunch(void *x, void *q) { NEEDS_CONTEXT; if (!q) return 400; run(x); return 0; }
#endif
