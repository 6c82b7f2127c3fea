/**
 * The real device: NVIDIA's driver, {@code libcuda.so.1}, and nothing else. JCuda makes things (context, memory, modules, streams, events), FFM uses them
 * (launches, copies, waits, graphs); docs/adr/0009 says why. Everything that can be wrong with an installation is found before the first call that would
 * end the process, and told as a {@link dev.jacquard.kernels.driver.DriverException}.
 */
package dev.jacquard.kernels.nvidia;
