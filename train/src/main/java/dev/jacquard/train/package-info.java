/**
 * Training from a recipe to a run folder: the planned step, the loop around it, evaluation, checkpoints that survive a crash at any moment, the log and
 * its curves, and prediction with the weights that come out.
 *
 * <p>Shape letters: N batch, H W height and width, C channels (3). A run is a function of its configuration: a resumed one continues bit for bit.
 */
package dev.jacquard.train;
