package dev.jacquard.kernels;

import java.util.List;

/**
 * A kernel that is loaded.
 *
 * @param name its symbol
 * @param function the driver's handle
 * @param parameterSizes of its parameters in bytes, in order
 */
record Kernel(String name, long function, List<Integer> parameterSizes) {}
