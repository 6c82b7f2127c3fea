/**
 * Random numbers as a pure function of (seed, node, step, element): the same on every backend, in every order of
 * evaluation, and after a resume.
 */
package dev.jacquard.tensor.random;
