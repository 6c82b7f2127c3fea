/**
 * What models are made of: modules, initialisers, losses, optimizers, learning-rate schedules. A module is ordinary Java over {@link dev.jacquard.tensor.Tensor};
 * whether it executes or records, and whether it behaves as in training, is the context's affair.
 *
 * <p>Shape letters: N batch, H W height and width, C channels of the input, K of the output, R S of the kernel. Images are (N, H, W, C), convolution
 * weights (K, R, S, C/groups), linear weights (K, C).
 */
package dev.jacquard.layers;
