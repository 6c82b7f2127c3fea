/** Evaluations of networks as ONNX files, for other runtimes: {@link dev.jacquard.onnx.OnnxFile}. */
package dev.jacquard.onnx;
