/** The commands of {@code ./jacquard}. Results go to standard output; what went wrong, in one line, to standard error. */
package dev.jacquard.cli;
