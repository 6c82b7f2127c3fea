/** What every backend must pass: oracle, tolerances, comparator, gradient checks, and the suite that puts them together. */
package dev.jacquard.tck;
