/** Training in half precision: what is computed in which type, and how small gradients are kept from vanishing. */
package dev.jacquard.mixedprecision;
