/**
 * Tensors in files: safetensors and npy, read with every claim of a file checked before it is believed, and written so
 * that a crash leaves either the old file or the new one.
 */
package dev.jacquard.tensor.io;
