package dev.jacquard.data;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Where the time of a pipeline's threads went: sums over threads, of one stretch of time. Immutable. */
public final class StageTimes {
    /** What a thread of the pipeline does, in the order of the work. */
    public enum Stage {
        /** Encoded bytes are fetched, from disk or memory. */
        READ,
        /** Encoded bytes become pixels. */
        DECODE,
        /** Pixels are cut out and resized. */
        RESIZE,
        /** Further operations on pixels. */
        AUGMENT,
        /** Pixels go into the batch. */
        WRITE,
        /** Nothing: every batch of the ring is full, or nothing is to be done yet. */
        ROOM;

        /** The stages in which something is done: all but {@link #ROOM}. */
        public static final List<Stage> WORK = List.of(READ, DECODE, RESIZE, AUGMENT, WRITE);

        /** Its name in tables and logs: lower case. */
        public String text() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Nothing counted. */
    public static final StageTimes NONE = new StageTimes(0, 0, new long[Stage.values().length]);

    private final long images;
    private final long cpuNanos;
    private final long[] nanos;

    /** @param nanos by the stages' order; kept */
    StageTimes(long images, long cpuNanos, long[] nanos) {
        this.images = images;
        this.cpuNanos = cpuNanos;
        this.nanos = nanos;
    }

    /** Images done. */
    public long images() {
        return images;
    }

    /** Nanoseconds that the threads had a processor for. */
    public long cpuNanos() {
        return cpuNanos;
    }

    /** Nanoseconds that the threads spent in a stage, those without a processor included. */
    public long nanos(Stage stage) {
        return nanos[stage.ordinal()];
    }

    /** The stage that took longest of those in which something is done; empty if nothing was. */
    public Optional<Stage> slowest() {
        return Stage.WORK.stream().filter(s -> nanos(s) > 0).max(Comparator.comparingLong(this::nanos));
    }

    /**
     * Images per second of one processor that does nothing but this stage: waiting for a processor is not counted, but in {@link Stage#READ}, where it is the disk's. 0 if nothing
     * was done.
     */
    public double perSecond(Stage stage) {
        double seconds = seconds(stage);
        return seconds > 0 ? images / seconds : 0;
    }

    /** Images per second of one processor that goes through all stages; 0 if nothing was done. */
    public double perSecond() {
        double seconds = Stage.WORK.stream().mapToDouble(this::seconds).sum();
        return seconds > 0 ? images / seconds : 0;
    }

    private double seconds(Stage stage) {
        return nanos(stage) * (stage == Stage.READ ? 1 : onProcessor()) * 1e-9;
    }

    /** For which part of its computing time a thread has a processor, at most 1. */
    private double onProcessor() {
        long computing = Stage.WORK.stream().filter(s -> s != Stage.READ).mapToLong(this::nanos).sum();
        return computing > 0 && cpuNanos > 0 ? Math.min(1, (double) cpuNanos / computing) : 1;
    }

    /** Both together. */
    public StageTimes plus(StageTimes other) {
        long[] sum = nanos.clone();
        Arrays.setAll(sum, i -> nanos[i] + other.nanos[i]);
        return new StageTimes(images + other.images, cpuNanos + other.cpuNanos, sum);
    }

    /** What came after {@code earlier}, a part of this. */
    public StageTimes since(StageTimes earlier) {
        long[] rest = nanos.clone();
        Arrays.setAll(rest, i -> nanos[i] - earlier.nanos[i]);
        return new StageTimes(images - earlier.images, cpuNanos - earlier.cpuNanos, rest);
    }
}
