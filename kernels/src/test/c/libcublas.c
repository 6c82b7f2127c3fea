/*
 * Stands in for NVIDIA's libcublas.so.12 and .13 in tests. -DMAJOR=13 is its version, -DMINOR=1; -DLACKS_GEMM leaves cublasGemmEx out.
 */
#include "dummy.h"

#ifndef MINOR
#define MINOR 1
#endif

static R unstarted(P handle) { return handle == (P) 0x1122334455667788 ? 0 : 1; }

R cublasGetProperty(int type, int *value) { PLANNED; *value = type == 0 ? MAJOR : type == 1 ? MINOR : 2; return 0; }
R cublasCreate_v2(P *handle) { PLANNED; *handle = (P) 0x1122334455667788; return 0; }
R cublasDestroy_v2(P handle) { told("call cublasDestroy\n"); return unstarted(handle); }
R cublasSetStream_v2(P handle, P stream) { PLANNED; told("call cublasSetStream %p\n", stream); return unstarted(handle); }
R cublasSetWorkspace_v2(P handle, P at, size_t bytes) { PLANNED; told("call cublasSetWorkspace %p %zu\n", at, bytes); return unstarted(handle); }
R cublasSetMathMode(P handle, int mode) { PLANNED; told("call cublasSetMathMode %d\n", mode); return unstarted(handle); }

#ifndef LACKS_GEMM
R cublasGemmEx(P handle, int ta, int tb, int m, int n, int k, P alpha, P a, int typeA, int lda, P b, int typeB, int ldb, P beta, P c, int typeC, int ldc, int compute, int algorithm) {
    PLANNED;
    int whole = compute == 72;
    told("call cublasGemmEx %d %d %d %d %d alpha %g a %p %d %d b %p %d %d beta %g c %p %d %d compute %d algo %d\n", ta, tb, m, n, k,
         whole ? (double) *(int *) alpha : (double) *(float *) alpha, a, typeA, lda, b, typeB, ldb, whole ? (double) *(int *) beta : (double) *(float *) beta, c, typeC, ldc, compute, algorithm);
    return unstarted(handle);
}
#endif
