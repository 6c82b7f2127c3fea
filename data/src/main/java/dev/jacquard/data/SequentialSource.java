package dev.jacquard.data;

import dev.jacquard.tensor.CallerException;
import dev.jacquard.tensor.DataException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Shards read one after another, each from its beginning to its end, for disks on which seeking is slow. Every epoch takes the shards in another order; images pass through a
 * shuffle buffer: of the {@code buffer} images that were read and not used yet, chance takes one, and the next image of the shard takes its place.
 *
 * <p>The order is made from indices alone, before anything is read ({@link #order}): it is a function of (seed, epoch), so that resuming anywhere is exact. Reading follows it:
 * what lies before a wanted image and is not used yet is read on the way and held. Holding only saves seeks; an image that is not held, because a run begins in the middle or
 * several threads are ahead of one another, is read by itself. Samples are numbered as they are stored, so that an evaluation, which goes through them in that order, reads in
 * sequence, too.
 */
final class SequentialSource implements ImageSource {
    private static final int SHARD_ORDER = 1;
    private static final int SLOT = 2;

    private final ImageSource source;
    private final int buffer;
    /** By this source's numbers, the other source's. */
    private final int[] stored;
    /** Where each shard begins; one more for the end. */
    private final int[] starts;

    /** One thread at a time reads ahead. */
    private final ReentrantLock reading = new ReentrantLock();
    // Guarded by it: the epoch's images as they come from the disk, where each is in them, and the first that was not read yet.
    private int[] sequence = {};
    private int[] place = {};
    private BitSet past = new BitSet();
    private int next;
    /** What was read ahead, oldest first; guarded by itself, as is {@link #free}. */
    private final Map<Integer, Encoded> held = new LinkedHashMap<>();
    private final ArrayDeque<Encoded> free = new ArrayDeque<>();

    /**
     * Reads a source in sequence; closing this closes it.
     *
     * @param buffer images that the shuffle buffer holds, 1 or more
     * @throws CallerException if the source does not lie in shards
     */
    SequentialSource(ImageSource source, int buffer) {
        List<int[]> shards = source.shards();
        if (shards.isEmpty()) {
            throw new CallerException("shuffle buffer", "the images do not lie in tars", "folders, a list or images made up", "one tar or several",
                    "leave it at 0, or pack the images into tars");
        }
        this.source = source;
        this.buffer = buffer;
        this.stored = shards.stream().flatMapToInt(Arrays::stream).toArray();
        this.starts = new int[shards.size() + 1];
        for (int i = 0; i < shards.size(); i++) {
            starts[i + 1] = starts[i] + shards.get(i).length;
        }
    }

    @Override
    public int[] order(long seed, long epoch, int from) {
        int[] read = sequence(seed, epoch);
        int n = read.length;
        int[] order = new int[n];
        int[] slots = Arrays.copyOf(read, Math.min(buffer, n));
        int filled = slots.length;
        int following = filled;
        SampleRandom random = new SampleRandom().at(seed, epoch, SLOT, SampleRandom.SHUFFLE);
        for (int k = 0; k < n; k++) {
            int slot = random.nextInt(filled);
            order[k] = slots[slot];
            slots[slot] = following < n ? read[following++] : slots[--filled];
        }
        BitSet used = new BitSet(n);
        for (int k = 0; k < from; k++) {
            used.set(order[k]);
        }
        reading.lock();
        try {
            sequence = read;
            place = new int[n];
            for (int k = 0; k < n; k++) {
                place[read[k]] = k;
            }
            past = used;
            next = from;
        } finally {
            reading.unlock();
        }
        return order;
    }

    /** All images of an epoch as they come from the disk: the shards by chance. */
    private int[] sequence(long seed, long epoch) {
        int[] read = new int[stored.length];
        int n = 0;
        for (int shard : SampleRandom.permutation(starts.length - 1, new SampleRandom().at(seed, epoch, SHARD_ORDER, SampleRandom.SHUFFLE))) {
            for (int i = starts[shard]; i < starts[shard + 1]; i++) {
                read[n++] = i;
            }
        }
        return read;
    }

    @Override
    public void read(int index, Encoded into) {
        if (take(index, into)) {
            return;
        }
        reading.lock();
        try {
            if (take(index, into)) { // by a thread that was here before
                return;
            }
            int at = index < place.length ? place[index] : -1;
            if (at < next || at >= next + 2L * buffer) {
                at = -1; // of another epoch, or passed by: by itself
            }
            for (; next < at; next++) {
                if (!past.get(sequence[next])) {
                    hold(sequence[next]);
                }
            }
            next = Math.max(next, at + 1);
        } finally {
            reading.unlock();
        }
        source.read(stored[index], into);
    }

    private boolean take(int index, Encoded into) {
        synchronized (held) {
            Encoded known = held.remove(index);
            if (known == null) {
                return false;
            }
            into.exchange(known);
            free.push(known);
            return true;
        }
    }

    private void hold(int index) {
        Encoded room;
        synchronized (held) {
            if (held.size() >= 2 * buffer) { // images that nobody asks for, as their pixels are in a cache
                free.push(held.remove(held.keySet().iterator().next()));
            }
            room = free.isEmpty() ? new Encoded() : free.pop();
        }
        try {
            source.read(stored[index], room);
        } catch (DataException e) {
            return; // whoever wants it will see
        }
        synchronized (held) {
            held.put(index, room);
        }
    }

    @Override
    public int size() {
        return stored.length;
    }

    @Override
    public byte[] bytes(int index) {
        return source.bytes(stored[index]);
    }

    @Override
    public int label(int index) {
        return source.label(stored[index]);
    }

    @Override
    public String name(int index) {
        return source.name(stored[index]);
    }

    @Override
    public List<String> classes() {
        return source.classes();
    }

    @Override
    public Map<String, Integer> passedOver() {
        return source.passedOver();
    }

    @Override
    public List<int[]> shards() {
        List<int[]> shards = new ArrayList<>();
        for (int s = 0; s + 1 < starts.length; s++) {
            int start = starts[s];
            int[] shard = new int[starts[s + 1] - start];
            Arrays.setAll(shard, i -> start + i);
            shards.add(shard);
        }
        return shards;
    }

    @Override
    public void close() {
        source.close();
    }
}
