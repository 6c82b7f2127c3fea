/** The reference backend: what every op means, in double precision, as plainly as it can be said. */
package dev.jacquard.tck.reference;
