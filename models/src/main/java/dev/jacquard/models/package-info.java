/**
 * The model families as data, what they cost, and their weights in files. A model is a row of {@link dev.jacquard.models.Models}; a family is one class whose
 * configuration record tells its members apart.
 */
package dev.jacquard.models;
