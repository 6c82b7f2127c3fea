/**
 * What is known of the committed kernels without a device: their contracts, what the assembler says they need, how many blocks of them fit on a multiprocessor. For tests, docs and
 * the command line.
 */
package dev.jacquard.kernels.catalog;
