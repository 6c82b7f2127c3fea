/**
 * {@code bench/peers}: Jacquard and other engines on the same networks, weights and inputs, in turns. {@link dev.jacquard.bench.peers.Peers} asks the questions; each engine
 * answers in a process of its own ({@link dev.jacquard.bench.peers.Engine}). Engines of other libraries are in {@code bench/src/peers}, which Maven builds in its profile
 * {@code peers} only.
 */
package dev.jacquard.bench.peers;
