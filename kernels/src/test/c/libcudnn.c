/*
 * Stands in for NVIDIA's libcudnn.so.9 in tests. -DVERSION=91900 is what it says of itself, -DCUDART=13000 what it was built for; -DLACKS_FORWARD leaves cudnnConvolutionForward out.
 *
 * Six algorithms of each pass: 1, 0 (not deterministic), a transform, one that fails, 1 again with another math type, and one that has no workspace size where tensor cores are not allowed.
 * Engines: the heuristic of mode A proposes 36, 4 (nondeterministic), 1 (tensor cores), 9 (no plan), 36 with another setting, 70; that of mode B 36 as the
 * first of mode A, 55 (a Winograd transform), 36 with a third setting.
 */
#include "dummy.h"

typedef struct { char kind; int v[16]; } Old;

size_t cudnnGetVersion(void) { return VERSION; }
size_t cudnnGetCudartVersion(void) { return CUDART; }
const char *cudnnGetErrorString(R status) { return status ? "CUDNN_STATUS_OTHER" : "CUDNN_STATUS_SUCCESS"; }
void cudnnGetLastErrorString(char *text, size_t bytes) { snprintf(text, bytes, "the stand-in's\nreason"); }
R cudnnCreate(P *handle) { PLANNED; *handle = (P) 0xD00D; return 0; }
R cudnnDestroy(P handle) { told("call cudnnDestroy\n"); return handle == (P) 0xD00D ? 0 : 2000; }
R cudnnSetStream(P handle, P stream) { PLANNED; told("call cudnnSetStream %p\n", stream); return handle == (P) 0xD00D ? 0 : 2000; }

static Old *old(char kind) { Old *d = calloc(1, sizeof(Old)); d->kind = kind; return d; }
R cudnnCreateTensorDescriptor(Old **d) { PLANNED; *d = old('t'); return 0; }
R cudnnDestroyTensorDescriptor(Old *d) { free(d); return 0; }
R cudnnSetTensor4dDescriptor(Old *d, int format, int type, int n, int c, int h, int w) { PLANNED; *d = (Old) {'t', {format, type, n, c, h, w}}; return 0; }
R cudnnCreateFilterDescriptor(Old **d) { PLANNED; *d = old('f'); return 0; }
R cudnnDestroyFilterDescriptor(Old *d) { free(d); return 0; }
R cudnnSetFilter4dDescriptor(Old *d, int type, int format, int k, int c, int h, int w) { PLANNED; *d = (Old) {'f', {format, type, k, c, h, w}}; return 0; }
R cudnnCreateConvolutionDescriptor(Old **d) { PLANNED; *d = old('c'); return 0; }
R cudnnDestroyConvolutionDescriptor(Old *d) { free(d); return 0; }
R cudnnSetConvolution2dDescriptor(Old *d, int ph, int pw, int sh, int sw, int dh, int dw, int mode, int compute) { PLANNED; *d = (Old) {'c', {ph, pw, sh, sw, dh, dw, mode, compute}}; return 0; }
R cudnnSetConvolutionGroupCount(Old *d, int groups) { PLANNED; d->v[8] = groups; return 0; }
R cudnnSetConvolutionMathType(Old *d, int math) { PLANNED; d->v[9] = math; return 0; }

typedef struct { int algo, status; float time; size_t memory; int determinism, math, reserved[3]; } Perf;

static R perf(const int *algorithm, int asked, int *found, Perf *out) {
    for (*found = 0; *found < 6 && *found < asked; ++*found) {
        out[*found] = (Perf) {algorithm[*found], *found == 3 ? 3000 : 0, 1.5f, 100, *found != 1, 1, {0}};
    }
    return 0;
}
R cudnnGetConvolutionForwardAlgorithm_v7(P h, Old *x, Old *w, Old *c, Old *y, int asked, int *found, Perf *out) {
    PLANNED;
    return x->kind == 't' && w->kind == 'f' && c->kind == 'c' && y->kind == 't' ? perf((int[]) {1, 0, 6, 7, 1, 2}, asked, found, out) : 2000;
}
R cudnnGetConvolutionBackwardDataAlgorithm_v7(P h, Old *w, Old *dy, Old *c, Old *dx, int asked, int *found, Perf *out) {
    PLANNED;
    return w->kind == 'f' && dy->kind == 't' && c->kind == 'c' && dx->kind == 't' ? perf((int[]) {1, 0, 4, 5, 1, 1}, asked, found, out) : 2000;
}
R cudnnGetConvolutionBackwardFilterAlgorithm_v7(P h, Old *x, Old *dy, Old *c, Old *dw, int asked, int *found, Perf *out) {
    PLANNED;
    return x->kind == 't' && dy->kind == 't' && c->kind == 'c' && dw->kind == 'f' ? perf((int[]) {1, 0, 5, 4, 1, 3}, asked, found, out) : 2000;
}

static R bytes(const Old *c, int algorithm, size_t *size) { *size = 4096 + algorithm; return algorithm > 1 && c->v[9] == 3 ? 3000 : 0; }
R cudnnGetConvolutionForwardWorkspaceSize(P h, Old *x, Old *w, Old *c, Old *y, int algorithm, size_t *size) { PLANNED; return bytes(c, algorithm, size); }
R cudnnGetConvolutionBackwardDataWorkspaceSize(P h, Old *w, Old *dy, Old *c, Old *dx, int algorithm, size_t *size) { PLANNED; return bytes(c, algorithm, size); }
R cudnnGetConvolutionBackwardFilterWorkspaceSize(P h, Old *x, Old *dy, Old *c, Old *dw, int algorithm, size_t *size) { PLANNED; return bytes(c, algorithm, size); }

static R ran(const char *call, P h, P alpha, Old *a, P pa, Old *b, P pb, Old *c, int algorithm, P workspace, size_t size, P beta, Old *o, P po) {
    told("call %s alpha %g", call, (double) *(float *) alpha);
    Old *all[] = {a, b, o};
    P at[] = {pa, pb, po};
    for (int i = 0; i < 3; i++) {
        int *v = all[i]->v;
        told(" %c %p format %d type %d %d %d %d %d", all[i]->kind, at[i], v[0], v[1], v[2], v[3], v[4], v[5]);
    }
    int *v = c->v;
    told(" pad %d %d stride %d %d dilation %d %d mode %d compute %d groups %d math %d algo %d workspace %p %zu beta %g\n", v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], algorithm,
         workspace, size, (double) *(float *) beta);
    return h == (P) 0xD00D ? 0 : 2000;
}
#ifndef LACKS_FORWARD
R cudnnConvolutionForward(P h, P alpha, Old *x, P px, Old *w, P pw, Old *c, int algo, P ws, size_t size, P beta, Old *y, P py) { PLANNED; return ran(__func__, h, alpha, x, px, w, pw, c, algo, ws, size, beta, y, py); }
#endif
R cudnnConvolutionBackwardData(P h, P alpha, Old *w, P pw, Old *dy, P pdy, Old *c, int algo, P ws, size_t size, P beta, Old *dx, P pdx) { PLANNED; return ran(__func__, h, alpha, w, pw, dy, pdy, c, algo, ws, size, beta, dx, pdx); }
R cudnnConvolutionBackwardFilter(P h, P alpha, Old *x, P px, Old *dy, P pdy, Old *c, int algo, P ws, size_t size, P beta, Old *dw, P pdw) { PLANNED; return ran(__func__, h, alpha, x, px, dy, pdy, c, algo, ws, size, beta, dw, pdw); }

/* The younger interface: a descriptor keeps what it is given, and finishing a graph tells all of it. */
enum { ENGINE = 2, CONFIGURATION = 3, HEURISTIC = 4, PLAN = 5, PACK = 16, TENSOR = 17 };
typedef struct { int name, type; int64_t count; uint64_t value[8]; } Attribute;
typedef struct { int type, finished, attributes, engine, knob; Attribute attribute[12]; } Descriptor;

static int size(int type) { return type == 0 || type == 3 || type == 6 || type == 15 ? 8 : type == 2 ? 1 : 4; }

R cudnnBackendCreateDescriptor(int type, Descriptor **d) { PLANNED; *d = calloc(1, sizeof(Descriptor)); (*d)->type = type; return 0; }
R cudnnBackendDestroyDescriptor(Descriptor *d) { free(d); return 0; }

R cudnnBackendSetAttribute(Descriptor *d, int name, int type, int64_t count, const void *values) {
    PLANNED;
    if (d->finished || !values || count > 8) return 2000;
    Attribute *a = &d->attribute[d->attributes++];
    *a = (Attribute) {name, type, count, {0}};
    for (int i = 0; i < count; i++) {
        memcpy(&a->value[i], (const char *) values + i * size(type), size(type));
        if (type == 15 && !((Descriptor *) a->value[i])->finished && d->type != PLAN) return 2004;
    }
    return 0;
}

static Attribute *find(Descriptor *d, int name) {
    for (int i = 0; i < d->attributes; i++) {
        if (d->attribute[i].name == name) return &d->attribute[i];
    }
    return NULL;
}

static void tell(Descriptor *d) {
    told("(%d", d->type);
    for (int i = 0; i < d->attributes; i++) {
        Attribute *a = &d->attribute[i];
        told(" %d=", a->name);
        for (int j = 0; j < a->count; j++) {
            if (a->type == 15) {
                tell((Descriptor *) a->value[j]);
            } else if (a->type == 4) {
                float f;
                memcpy(&f, &a->value[j], 4);
                told("%s%g", j ? "," : "", (double) f);
            } else {
                told(a->type == 0 || a->type == 6 ? "%s%#lx" : "%s%ld", j ? "," : "", (long) a->value[j]);
            }
        }
    }
    told(")");
}

R cudnnBackendFinalize(Descriptor *d) {
    PLANNED;
    d->finished = 1;
    if (d->type == 15) { /* a graph of operations */
        told("call cudnnBackendFinalize ");
        tell(d);
        told("\n");
    }
    return d->type == PLAN && ((Descriptor *) find(d, 401)->value[0])->engine == 9 ? 3001 : 0;
}

R cudnnBackendGetAttribute(Descriptor *d, int name, int type, int64_t asked, int64_t *count, void *values) {
    PLANNED;
    int a[] = {36, 4, 1, 9, 36, 70}, b[] = {36, 55, 36};
    if (name == 202 && d->finished) {
        int thorough = find(d, 200)->value[0] == 1;
        if (!thorough && find(d, 200)->value[0] != 3) return 2000;
        *count = thorough ? 3 : 6;
        for (int i = 0; i < *count && i < asked; i++) {
            Descriptor *c = ((Descriptor **) values)[i];
            c->engine = thorough ? b[i] : a[i];
            c->knob = thorough && i ? 300 + i : 100 + i;
            c->finished = 1;
        }
    } else if (name == 300) {
        *count = 1;
        if (asked) (*(Descriptor **) values)->engine = d->engine;
    } else if (name == 302) {
        *count = asked ? 1 : 0; /* as the real one */
        if (asked) (*(Descriptor **) values)->knob = d->knob;
    } else if (name == 600) {
        *count = 1;
        *(int *) values = 17;
    } else if (name == 601) {
        *count = 1;
        *(int64_t *) values = d->knob;
    } else if (name == 1301) {
        *count = 1;
        *(int64_t *) values = d->engine;
    } else if (name == 1303) {
        *count = d->engine == 36 ? 0 : 1;
        *(int *) values = d->engine == 4 ? 4 : d->engine == 1 ? 0 : d->engine == 55 ? 5 : 9;
    } else if (name == 402) {
        *count = 1;
        *(int64_t *) values = 8000 + ((Descriptor *) find(d, 401)->value[0])->engine;
    } else {
        return 2000;
    }
    return 0;
}

R cudnnBackendExecute(P h, Descriptor *plan, Descriptor *pack) {
    PLANNED;
    if (h != (P) 0xD00D || plan->type != PLAN || pack->type != PACK || !plan->finished || !pack->finished) return 2000;
    told("call cudnnBackendExecute engine %d pack ", ((Descriptor *) find(plan, 401)->value[0])->engine);
    tell(pack);
    told("\n");
    return 0;
}
