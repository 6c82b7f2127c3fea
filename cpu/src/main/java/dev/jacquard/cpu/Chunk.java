package dev.jacquard.cpu;

import java.util.List;
import java.util.function.ToLongFunction;
import java.util.stream.LongStream;

/**
 * A piece of one of several tensors that a launch goes over, of {@link Call#GRAIN} elements or the rest. {@link Call#parallel} is for one tensor.
 *
 * @param part the tensor, or what belongs to it
 * @param from first element
 * @param to end of the elements
 * @param <T> of the tensors
 */
record Chunk<T>(T part, long from, long to) {
    /** Cuts all parts, each by its size alone. */
    static <T> List<Chunk<T>> cut(List<T> parts, ToLongFunction<T> size) {
        return parts.stream().flatMap(p -> {
            long n = size.applyAsLong(p);
            return LongStream.range(0, count(n)).mapToObj(i -> new Chunk<>(p, i * Call.GRAIN, Math.min(n, (i + 1) * Call.GRAIN)));
        }).toList();
    }

    /** Chunks of a part of a size. */
    static long count(long size) {
        return Math.ceilDiv(size, Call.GRAIN);
    }
}
