/**
 * A CUDA device in software: executes PTX in lock-step warps, and says what a kernel does wrong.
 *
 * <p>The way of a kernel: {@code ptx.PtxModule} reads the text's declarations, and {@code ptx.BodyParser} a function's statements when it is first asked for; {@code Flattener}
 * puts called functions in their callers' place; {@code Decoder} places variables, numbers registers and cuts the list into {@code Block}s, of which {@code PostDominators} says
 * where diverging lanes meet again; {@code InsnDecoder} makes an {@code Insn} of each instruction. {@code Machine} runs a launch's blocks one after the other, a block's warps in
 * turn from barrier to barrier.
 *
 * <p>A register is an array of 32 lanes, and an operation a loop over it ({@code Alu32} and its like). So the code that HotSpot compiles is the same for all kernels and soon
 * hot, many of its loops become vector instructions, and a kernel that runs a few times costs nothing to prepare: a translation of each kernel to bytecode, which was planned,
 * has not been needed.
 *
 * <p>What kernels for tensor cores are made of has classes of its own, which {@code TensorDecoder} makes: {@code AsyncCopy} with {@code PendingCopies}, {@code MatrixAccess},
 * {@code MatrixProduct} with {@code Sparsity}.
 *
 * <p>Every access is checked where it is made ({@code Access}): {@code DeviceMemory} knows the live buffers and those that were freed, {@code SharedMemory} and
 * {@code GlobalRaces} who touched what. {@code Counters} count, when they are switched on.
 */
package dev.jacquard.emulator;
