/** The interface to a CUDA device, which the NVIDIA driver and the emulator both implement. */
package dev.jacquard.kernels.driver;
