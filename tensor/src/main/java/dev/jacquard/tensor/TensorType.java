package dev.jacquard.tensor;

/** What is known of a tensor before it has values: element type and shape. */
public record TensorType(DType dtype, Shape shape) {
    /** A type of the given extents. */
    public static TensorType of(DType dtype, long... dims) {
        return new TensorType(dtype, Shape.of(dims));
    }

    /** F32 of the given extents. */
    public static TensorType f32(long... dims) {
        return of(DType.F32, dims);
    }

    /** Bytes of a contiguous tensor of this type. */
    public long bytes() {
        return shape.size() * dtype.bytes();
    }

    /** The same element type with another shape. */
    public TensorType withShape(Shape other) {
        return new TensorType(dtype, other);
    }

    /** The same shape with another element type. */
    public TensorType withDType(DType other) {
        return new TensorType(other, shape);
    }

    /** {@code f32(8, 56, 56, 64)}. */
    @Override
    public String toString() {
        return dtype + shape.toString();
    }
}
