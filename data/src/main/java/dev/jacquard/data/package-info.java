/**
 * The image pipeline: sources of encoded images, decoding to 8-bit RGB, augmentation, and a prefetching loader of batches.
 *
 * <p>Shape letters: N batch, H W height and width, C channels (always 3, red green blue). Pixels are 8-bit; the
 * {@link dev.jacquard.data.Normalization} is data and is applied where the batch is consumed, on the device.
 *
 * <p>Everything random is a pure function of (seed, epoch, sample), or, where images are mixed, of (seed, epoch, batch), so that a run repeats whatever the number of threads.
 */
package dev.jacquard.data;
