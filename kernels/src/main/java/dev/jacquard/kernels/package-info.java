/**
 * The CUDA backend: hand-written kernels (kernels/cuda/*.cu, committed as PTX) behind the {@link dev.jacquard.tensor.backend.Backend} interface. It needs a {@link
 * dev.jacquard.kernels.driver.Driver} and nothing else: no cuDNN, no cuBLAS, no CUDA toolkit.
 *
 * <p>Reading order: {@link dev.jacquard.kernels.CudaBackend} maps each op to a {@code CudaKernel}; a kernel's {@code bind} fills the parameter block of one or more
 * {@code KernelLaunch}es from a {@code Call}; a {@code Sequence} of them becomes a CUDA graph when it runs for the second time.
 */
package dev.jacquard.kernels;
