package dev.jacquard.data;

import dev.jacquard.data.StageTimes.Stage;
import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DataException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns a source into batches, ahead of time, on threads of its own.
 *
 * <pre>{@code
 * try (Loader loader = Loader.train(source, Transform.Train.imagenet(224)).batch(64).seed(1).open()) {
 *     for (Batch b; (b = loader.next()) != null; ) { ... }   // one epoch; the next call begins the next epoch
 * }
 * }</pre>
 *
 * <p>Training shuffles every epoch by (seed, epoch) with the shuffle of Fisher and Yates, and drops the last, partial batch; evaluation keeps the
 * source's order and the partial batch. What a batch holds is a pure function of (source, transform, seed, batch size, position):
 * the number of threads, the depth of the ring and the cache change nothing, and {@link #seek} to a position continues
 * exactly as an uninterrupted run would. A stage of a training with another transform is another loader of the same source and seed, at the
 * position where the last one ended: the order of the samples goes on as if nothing had happened. Close the last one first, so that
 * there is one ring of batches at a time, and share an {@link ImageCache}.
 *
 * <p>Images that do not decode are skipped and counted, with a warning for each of the first ten. In training the place goes to
 * the next good image in the epoch's order (wrapping around), so that batches stay full; in evaluation it is left
 * out, and the batch has fewer. If no image is good, {@link #next} throws.
 *
 * <p>{@link #next}, {@link #seek} and {@link #close} are for one consuming thread. The source is the caller's to close, after
 * the loader.
 */
public final class Loader implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Loader.class);
    /** How long close() waits for threads, and again after it has interrupted them. */
    private static final long GRACE_NANOS = 2_000_000_000L;
    private static final int POLL_MILLIS = 100;
    private static final int MAX_CHUNK = 16; // samples that a thread takes at a time: few enough to share a batch of large images

    private final ImageSource source;
    private final boolean training;
    private final long seed;
    private final int batchSize;
    private final int batches;
    private final Transform transform;
    private final long maxPixels;
    private final Decoding decoding;
    private final boolean upright;
    private final int rank;
    private final int ranks;
    private final LongSupplier time;
    private final List<StageClock> clocks = new CopyOnWriteArrayList<>();
    private final int threadCount;
    private final int chunk;
    private final Arena arena = Arena.ofShared();
    private final Batch[] ring;
    private final List<Thread> threads = new ArrayList<>();
    private final ImageCache cache;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition work = lock.newCondition();
    private final Condition ready = lock.newCondition();
    // Guarded by the lock. Batches are numbered epoch * batches + index; number s lives in ring[s % ring.length].
    private long claimed; // the batch whose places are being handed out to threads
    private int claimedPlaces;
    private long delivered; // the next batch to hand to the consumer
    private long inUse; // the oldest batch that the consumer may still read
    private long limit = Long.MAX_VALUE; // the first batch not to prepare yet
    private boolean atEnd;
    private int inFlight;
    private boolean paused;
    private boolean closed;
    /** What ended a thread, other than a bad image; {@link #next} throws it. */
    private Throwable fault;
    private int[] order;
    private long orderEpoch = -1;
    private long waited;

    private Loader(Builder options) {
        this.source = options.source;
        this.transform = options.transform;
        this.maxPixels = options.maxPixels;
        this.threadCount = options.threads;
        this.training = transform instanceof Transform.Train;
        this.seed = options.seed;
        this.batchSize = options.batch;
        this.decoding = options.decoding;
        this.upright = options.upright;
        this.rank = options.rank;
        this.ranks = options.ranks;
        this.time = options.time;
        this.batches = Math.toIntExact(training ? source.size() / share() : Math.ceilDiv(source.size(), share()));
        this.chunk = Math.clamp(batchSize / (2 * threadCount), 1, MAX_CHUNK);
        this.ring = new Batch[options.depth];
        for (int i = 0; i < ring.length; i++) {
            ring[i] = new Batch(arena, batchSize, transform.size());
        }
        this.cache = options.cache != null ? options.cache : new ImageCache(source, options.cacheBytes);
        if (!training) {
            limit = 0; // next() lets one epoch in at a time
        }
    }

    /** A loader for training: shuffled, augmented, full batches only. */
    public static Builder train(ImageSource source, Transform.Train transform) {
        return new Builder(source, transform);
    }

    /** A loader for evaluation: in the source's order, every good image once per epoch. */
    public static Builder evaluate(ImageSource source, Transform.Eval transform) {
        return new Builder(source, transform);
    }

    /** Samples of one batch on all ranks. */
    private long share() {
        return (long) batchSize * ranks;
    }

    /** Number of batches in an epoch; with bad images, evaluation may deliver fewer. */
    public int batchesPerEpoch() {
        return batches;
    }

    /** N, the batch size. */
    public int batchSize() {
        return batchSize;
    }

    /** Number of images found bad so far. */
    public int badImages() {
        return cache.badImages();
    }

    /** Where the threads' time went so far. Any thread may ask. */
    public StageTimes times() {
        return clocks.stream().map(StageClock::times).reduce(StageTimes.NONE, StageTimes::plus);
    }

    /** Number of batches in the ring. */
    public int depth() {
        return ring.length;
    }

    /** Number of threads that make pictures. */
    public int threads() {
        return source.synthetic() ? 0 : threadCount;
    }

    /** Nanoseconds that {@link #next} has waited for batches so far. */
    public long waitedNanos() {
        lock.lock();
        try {
            return waited;
        } finally {
            lock.unlock();
        }
    }

    /** The position of the batch that {@link #next} will deliver; after an epoch's last batch, the next epoch's first. */
    public Position position() {
        lock.lock();
        try {
            return new Position(Math.toIntExact(delivered / batches), (int) (delivered % batches));
        } finally {
            lock.unlock();
        }
    }

    /**
     * Goes to a position; the next call to {@link #next} delivers its batch. The last batch given out becomes invalid.
     *
     * @throws CallerException if an epoch has no such batch
     */
    public void seek(Position position) {
        if (position.batch() >= batches) {
            throw new CallerException("loader position", "no such batch", "batch " + position.batch(), "0 to " + (batches - 1),
                    "resume with the data set and the batch size of the checkpoint");
        }
        lock.lock();
        try {
            paused = true;
            while (inFlight > 0) {
                ready.awaitUninterruptibly();
            }
            for (Batch b : ring) {
                b.sequence = -1;
            }
            claimed = (long) position.epoch() * batches + position.batch();
            claimedPlaces = 0;
            delivered = claimed;
            inUse = claimed;
            atEnd = false;
            limit = training ? Long.MAX_VALUE : 0;
            orderEpoch = -1; // what reads ahead has to know where it goes on
            paused = false;
            work.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * The next batch, or null once at the end of each epoch; the call after that begins the next epoch. Waits for the threads if
     * need be. The batch before becomes invalid.
     *
     * @throws DataException if no image of the source is good
     */
    public Batch next() {
        lock.lock();
        try {
            while (true) {
                requireOpen();
                inUse = delivered;
                work.signalAll();
                if (atEnd) {
                    atEnd = false;
                    cache.reportBad();
                    return null;
                }
                Batch batch = await();
                delivered++;
                atEnd = delivered % batches == 0;
                if (batch.count > 0 || ranks > 1) {
                    return batch;
                }
                if (badImages() == source.size()) {
                    throw cache.allBad();
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** Ends the threads and frees the batches. The source stays open. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            work.signalAll();
            ready.signalAll();
        } finally {
            lock.unlock();
        }
        if (join()) {
            arena.close();
        }
    }

    /** Waits for the threads; one that hangs in a read is interrupted after a while. @return whether all have ended */
    private boolean join() {
        boolean interrupted = false;
        long patience = System.nanoTime() + GRACE_NANOS;
        boolean asked = false;
        for (Thread t : threads) {
            while (t.isAlive()) {
                try {
                    t.join(POLL_MILLIS);
                } catch (InterruptedException e) {
                    interrupted = true; // a thread may still write into the arena: wait all the same
                }
                if (System.nanoTime() > patience && asked) {
                    LOG.warn("a thread of the loader hangs and is left behind, with {} MB of batches: {}", ring.length * ring[0].images().byteSize() >> 20, t.getName());
                    return false;
                }
                if (System.nanoTime() > patience) {
                    threads.forEach(Thread::interrupt);
                    asked = true;
                    patience = System.nanoTime() + GRACE_NANOS;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return true;
    }

    /** Waits until batch number {@link #delivered} is complete; called under the lock. */
    private Batch await() {
        if (delivered >= limit) {
            limit = (delivered / batches + 1) * batches;
            work.signalAll();
        }
        Batch batch = ring[(int) (delivered % ring.length)];
        if (source.synthetic()) {
            return synthesize(batch);
        }
        if (threads.isEmpty()) {
            for (int i = 0; i < threadCount; i++) {
                threads.add(Thread.ofPlatform().daemon().name("jacquard-loader-" + i).start(this::run));
            }
        }
        if (!complete(batch)) {
            long since = time.getAsLong();
            while (!complete(batch)) {
                rethrow(fault);
                ready.awaitUninterruptibly();
                requireOpen();
            }
            waited += time.getAsLong() - since;
        }
        rethrow(batch.failure);
        batch.compact();
        return batch;
    }

    private boolean complete(Batch batch) {
        return batch.sequence == delivered && batch.unfinished == 0;
    }

    /** Noise, drawn when a place of the ring is used first; labels go through the classes. */
    private Batch synthesize(Batch batch) {
        boolean first = batch.sequence < 0;
        begin(batch, delivered);
        for (int i = 0; first && i < batchSize; i++) {
            batch.noise(i, seed);
            batch.labels().setAtIndex(ValueLayout.JAVA_INT, i, source.label((int) (((long) rank * batchSize + i) % source.size())));
        }
        batch.unfinished = 0;
        batch.count = batch.planned;
        return batch;
    }

    private static void rethrow(Throwable failure) {
        switch (failure) {
            case null -> { }
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case Throwable e -> throw new IllegalStateException(e);
        }
    }

    private void run() {
        StageClock clock = new StageClock();
        clocks.add(clock);
        try (SampleMaker maker = new SampleMaker(source, cache, transform, seed, new ImageDecoder(maxPixels, upright), decoding, clock)) {
            clock.start();
            serve(maker);
        } catch (Throwable t) { // not of an image: next() would wait forever for this thread's part
            lock.lock();
            try {
                fault = fault == null ? t : fault;
                ready.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    private void serve(SampleMaker maker) {
        while (true) {
            Batch batch;
            int from;
            int to;
            lock.lock();
            try {
                while (!closed && (paused || claimed >= inUse + ring.length || claimed >= limit)) {
                    work.awaitUninterruptibly();
                }
                if (closed) {
                    return;
                }
                batch = ring[(int) (claimed % ring.length)];
                if (claimedPlaces == 0) {
                    begin(batch, claimed);
                }
                from = claimedPlaces;
                to = Math.min(from + chunk, batch.planned);
                claimedPlaces = to;
                if (to == batch.planned) {
                    claimed++;
                    claimedPlaces = 0;
                }
                inFlight++;
            } finally {
                lock.unlock();
            }
            maker.clock().lap(Stage.ROOM);
            work(maker, batch, from, to);
        }
    }

    /** Readies a ring place for a batch; called under the lock. */
    private void begin(Batch batch, long number) {
        int epoch = Math.toIntExact(number / batches);
        batch.index = (int) (number % batches);
        batch.first = batch.index * share() + (long) rank * batchSize;
        if (orderEpoch != epoch && !source.synthetic()) {
            if (training) {
                order = source.order(seed, epoch, (int) (batch.index * share()));
            } else if (order == null) {
                order = IntStream.range(0, source.size()).toArray();
            }
            orderEpoch = epoch;
        }
        batch.sequence = number;
        batch.order = order;
        batch.epoch = epoch;
        batch.planned = Math.clamp(source.size() - batch.first, 0, batchSize);
        batch.unfinished = batch.planned;
        batch.failure = null;
    }

    private void work(SampleMaker maker, Batch batch, int from, int to) {
        Throwable failure = null;
        try {
            for (int place = from; place < to; place++) {
                fill(maker, batch, place);
            }
            maker.clock().images(to - from);
        } catch (Throwable t) {
            failure = t; // next() throws it to the consumer
        }
        lock.lock();
        try {
            inFlight--;
            batch.unfinished -= to - from;
            if (failure != null && batch.failure == null) {
                batch.failure = failure;
            }
            ready.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void fill(SampleMaker maker, Batch batch, int place) {
        int[] samples = batch.order;
        long at = batch.first + place;
        int attempts = training ? samples.length : 1;
        for (int i = 0; i < attempts; i++) {
            int sample = samples[(int) ((at + i) % samples.length)];
            // The random numbers are those of the place's own sample, so that a stand-in is not a copy of its other appearance.
            if (maker.make(sample, batch.epoch, samples[(int) at], batch.images(), place * batch.imageBytes())) {
                batch.labels().setAtIndex(ValueLayout.JAVA_INT, place, source.label(sample));
                batch.samples[place] = sample;
                batch.filled[place] = true;
                return;
            }
        }
        batch.filled[place] = false;
        if (training) {
            throw cache.allBad();
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new CallerException("loader", "already closed", "a call after close()", "an open loader", "open another one");
        }
    }

    /** Options of a loader; each setter returns this builder. */
    public static final class Builder {
        private final ImageSource source;
        private final Transform transform;
        private int batch = 32;
        private long seed;
        private int threads = Math.clamp(Runtime.getRuntime().availableProcessors() / 2, 1, 8);
        private int depth = 3;
        private long cacheBytes;
        private ImageCache cache;
        private long maxPixels = ImageDecoder.DEFAULT_MAX_PIXELS;
        private Decoding decoding = Decoding.EXACT;
        private boolean upright;
        private int rank;
        private int ranks = 1;
        private LongSupplier time = System::nanoTime;

        private Builder(ImageSource source, Transform transform) {
            this.source = source;
            this.transform = transform;
        }

        /** N, pictures per batch; 32 unless told. */
        public Builder batch(int pictures) {
            batch = require("batch size", pictures, 1, 1 << 16);
            return this;
        }

        /** Seed of order and augmentation; 0 unless told. */
        public Builder seed(long value) {
            seed = value;
            return this;
        }

        /** Decoding threads; half of the processors, at most 8, unless told. */
        public Builder threads(int count) {
            threads = require("decoding threads", count, 1, 256);
            return this;
        }

        /** Batches in the ring, the consumer's included; 3 unless told. */
        public Builder depth(int count) {
            depth = require("ring depth", count, 2, 64);
            return this;
        }

        /** Keeps decoded images, as they come, up to so many bytes in all, so that later epochs need not decode them; 0 (none) unless told. */
        public Builder cacheDecoded(long bytes) {
            cacheBytes = Math.max(bytes, 0);
            return this;
        }

        /**
         * Uses this cache, which may have served other loaders of the same source, in place of one of its own.
         *
         * @throws CallerException if the cache is of another source
         */
        public Builder cache(ImageCache shared) {
            shared.require(source);
            cache = shared;
            return this;
        }

        /** The largest image to decode, in pixels; larger ones are bad. */
        public Builder maxPixels(long pixels) {
            maxPixels = pixels;
            return this;
        }

        /**
         * Whether images may be decoded smaller than they are; {@link Decoding#EXACT} unless told. Pictures that are {@linkplain Decoding#REDUCED reduced} are not kept in a cache.
         */
        public Builder decoding(Decoding how) {
            decoding = how;
            return this;
        }

        /**
         * Whether JPEGs are turned as their EXIF orientation says. Not unless told: Pillow, torchvision and NVIDIA's systems show them as they are stored. Loaders that share a
         * cache are told alike.
         */
        public Builder upright(boolean turned) {
            upright = turned;
            return this;
        }

        /**
         * Makes this one of several loaders that share the work, each on a device of its own: batch k of all ranks together is batch k of one loader with {@code ranks} times the
         * batch size, and each rank has as many batches; rank r has the r-th part of its samples, in order. In evaluation the last batches of some ranks may have no pictures.
         *
         * @param rank from 0
         * @param ranks how many; 1 unless told
         */
        public Builder rank(int rank, int ranks) {
            this.ranks = require("ranks", ranks, 1, 1 << 16);
            this.rank = require("rank", rank, 0, ranks - 1);
            return this;
        }

        /** What time it is, in nanoseconds, for tests. */
        Builder time(LongSupplier nanos) {
            time = nanos;
            return this;
        }

        /**
         * Makes the loader, at {@link Position#START}; its threads start with the first {@link Loader#next}.
         *
         * @throws DataException if the source has too few images for one batch
         */
        public Loader open() {
            long least = transform instanceof Transform.Train ? (long) batch * ranks : 1;
            if (source.size() < least) {
                throw new DataException("batch size", "more than the data set has images", least + " of " + source.size(), "at most " + source.size(),
                        "lower the batch size or add images");
            }
            return new Loader(this);
        }

        private static int require(String what, int value, int least, int most) {
            if (value < least || value > most) {
                throw new CallerException(what, "out of range", Integer.toString(value), least + " to " + most, "give another value");
            }
            return value;
        }
    }
}
