/**
 * Kernels as machine code for x86-64, emitted when a plan is made, specialised for its shapes, and called through the foreign function interface. Each kernel is a record,
 * {@link dev.jacquard.cpu.x64.Kernel.Spec}, of all that it is specialised for; plans ({@code *Conv}, {@code *Gradient}, {@link dev.jacquard.cpu.x64.EmittedProduct}) choose kernels
 * for a shape, cut the work into chunks and pack weights.
 *
 * <table>
 * <caption>Where to find what</caption>
 * <tr><th>subject</th><th>plans, and what cuts the work</th><th>kernels, and what they are made of</th></tr>
 * <tr><td>what runs here</td><td>{@link dev.jacquard.cpu.x64.Emission}, {@link dev.jacquard.cpu.x64.InstructionSet}, {@link dev.jacquard.cpu.x64.CpuFeatures}</td>
 *     <td>{@link dev.jacquard.cpu.x64.FmaPeak}</td></tr>
 * <tr><td>instructions into bytes</td><td></td><td>{@link dev.jacquard.cpu.x64.Encoder}, {@link dev.jacquard.cpu.x64.VectorAssembler},
 * {@link dev.jacquard.cpu.x64.IntegerAssembler}, {@link dev.jacquard.cpu.x64.Assembler}; operands {@link dev.jacquard.cpu.x64.Gp}, {@link dev.jacquard.cpu.x64.Vec},
 * {@link dev.jacquard.cpu.x64.Mem}, {@link dev.jacquard.cpu.x64.Literal}</td></tr>
 * <tr><td>bytes into functions</td><td>{@link dev.jacquard.cpu.x64.Kernel}, {@link dev.jacquard.tensor.backend.CodeMemory}</td><td>arguments in memory:
 * {@link dev.jacquard.cpu.x64.Native}</td></tr>
 * <tr><td>parts of all kernels</td><td>{@link dev.jacquard.cpu.x64.Chunks}</td><td>{@link dev.jacquard.cpu.x64.LaneMask} and {@link dev.jacquard.cpu.x64.Lanes} (the last vector),
 *     {@link dev.jacquard.cpu.x64.RowLoop},
 *     {@link dev.jacquard.cpu.x64.Activations}, {@link dev.jacquard.cpu.x64.VectorPool}, {@link dev.jacquard.cpu.x64.EightByEight}</td></tr>
 * <tr><td>products</td><td>{@link dev.jacquard.cpu.x64.EmittedConvolutions} chooses; {@link dev.jacquard.cpu.x64.DenseConv}, {@link dev.jacquard.cpu.x64.PaddedConv},
 *     {@link dev.jacquard.cpu.x64.EmittedProduct}; {@link dev.jacquard.cpu.x64.Panels}</td><td>{@link dev.jacquard.cpu.x64.ProductKernel}, {@link dev.jacquard.cpu.x64.LateRows},
 *     {@link dev.jacquard.cpu.x64.PairKernel}, {@link dev.jacquard.cpu.x64.ShallowKernel}, their {@link dev.jacquard.cpu.x64.ProductFrame} and
 *     {@link dev.jacquard.cpu.x64.TileTable}; {@link dev.jacquard.cpu.x64.PackKernel}, {@link dev.jacquard.cpu.x64.PaddedRows}</td></tr>
 * <tr><td>Winograd</td><td>{@link dev.jacquard.cpu.x64.WinogradChoice}, {@link dev.jacquard.cpu.x64.WinogradPlan}, {@link dev.jacquard.cpu.x64.WinogradConv}</td><td>{@code
 * Winograd}- {@code Input}, {@code Weights}, {@code Product}, {@code Output}, {@code GradientInput}, {@code GradientOutput};
 * {@link dev.jacquard.cpu.x64.WinogradAxis} has the algorithms</td></tr>
 * <tr><td>depthwise and grouped</td><td>{@link dev.jacquard.cpu.x64.GroupedConv}, {@link dev.jacquard.cpu.x64.GroupedWeightGradient},
 * {@link dev.jacquard.cpu.x64.DepthwiseWeightGradient}, their {@link dev.jacquard.cpu.x64.SplitSums}</td><td>{@link
 * dev.jacquard.cpu.x64.GroupedKernel}, {@link dev.jacquard.cpu.x64.GroupedWeightKernel}, {@link dev.jacquard.cpu.x64.DepthwiseWeightKernel},
 * {@link dev.jacquard.cpu.x64.GroupPackKernel}, {@link dev.jacquard.cpu.x64.UnpackKernel};
 * {@link dev.jacquard.cpu.x64.TapMap}, {@link dev.jacquard.cpu.x64.ColumnTiles}</td></tr>
 * <tr><td>gradients of weights</td><td>{@link dev.jacquard.cpu.x64.WeightGradient}, {@link dev.jacquard.cpu.x64.WeightGradientPlan},
 * {@link dev.jacquard.cpu.x64.WeightGradientKernels}; {@link dev.jacquard.cpu.x64.WinogradWeightGradient}, {@link dev.jacquard.cpu.x64.StagedWeightGradient},
 * {@link dev.jacquard.cpu.x64.StagedProducts}; {@link dev.jacquard.cpu.x64.Pieces}</td><td>{@link dev.jacquard.cpu.x64.TransposedProduct},
 * {@link dev.jacquard.cpu.x64.PackedPieces}, {@link dev.jacquard.cpu.x64.PartialSums}</td></tr>
 * <tr><td>8-bit products</td><td>{@link dev.jacquard.cpu.x64.QuantizedConv}, {@link dev.jacquard.cpu.x64.ByteBlocks}</td><td>{@link dev.jacquard.cpu.x64.ByteKernel} and its two
 * kinds, {@link dev.jacquard.cpu.x64.ByteDot}, {@link dev.jacquard.cpu.x64.ByteHeader}, {@link dev.jacquard.cpu.x64.FlipRows}</td></tr>
 * <tr><td>all other loops</td><td>{@link dev.jacquard.cpu.x64.EmittedSimd} is a {@link dev.jacquard.cpu.Simd}: {@link dev.jacquard.cpu.x64.EmittedPointwise},
 * {@link dev.jacquard.cpu.x64.EmittedUpdate}</td> <td>{@code *Code}: one record for each kind of loop, for all shapes</td></tr>
 * </table>
 */
package dev.jacquard.cpu.x64;
