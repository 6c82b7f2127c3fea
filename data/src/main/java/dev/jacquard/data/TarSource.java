package dev.jacquard.data;

import dev.jacquard.data.TarIndex.Entry;
import dev.jacquard.tensor.DataException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;

/** One uncompressed tar of images, or several that make up one data set (shards): indexed once when opened, then read at any place by positional reads. */
final class TarSource extends IndexedSource<Entry> {
    private final List<Path> paths;
    private final List<FileChannel> channels;

    private TarSource(List<Path> paths, List<FileChannel> channels, SampleIndex<Entry> index, Map<String, Integer> passedOver) {
        super(index, passedOver);
        this.paths = paths;
        this.channels = channels;
    }

    /** Indexes the archives, see {@link ImageSource#open}. @param name what messages call all of them */
    static TarSource open(List<Path> paths, String name) {
        List<Entry> images = new ArrayList<>();
        List<String> folders = new ArrayList<>();
        Map<String, String> numbers = new HashMap<>();
        PassedOver passed = new PassedOver();
        for (int i = 0; i < paths.size(); i++) {
            int shard = i;
            TarIndex one = TarIndex.scan(paths.get(i), i);
            images.addAll(one.images());
            folders.addAll(one.folders());
            one.numbers().forEach((key, number) -> numbers.put(numbered(shard, key), number)); // keys are unique within a shard only
            passed.addAll(one.passedOver());
        }
        SampleIndex<Entry> index = numbers.isEmpty() ? byFolder(name, images, folders) : byNumber(name, images, numbers, passed);
        List<FileChannel> channels = new ArrayList<>();
        TarSource source = new TarSource(List.copyOf(paths), channels, index, passed.counts());
        try {
            for (Path path : paths) {
                channels.add(FileChannel.open(path, StandardOpenOption.READ));
            }
            return source;
        } catch (IOException e) {
            source.close();
            throw new DataException(name, "the tar cannot be opened", e.toString(), "a readable file",
                    "check its permissions, the disk, and how many files may be open (ulimit -n)", e);
        }
    }

    private static String numbered(int shard, String key) {
        return shard + "/" + key;
    }

    /** WebDataset's way: the class is a number in an entry beside the image. */
    private static SampleIndex<Entry> byNumber(String name, List<Entry> images, Map<String, String> numbers, PassedOver passed) {
        List<SampleIndex.Found<Entry>> found = new ArrayList<>(images.size());
        for (Entry e : images) {
            String number = numbers.get(numbered(e.shard(), TarIndex.key(e.name())));
            if (number == null) {
                passed.add("image without a .cls entry");
            } else {
                found.add(new SampleIndex.Found<>(number, e.name(), e));
            }
        }
        return SampleIndex.ofNumbers(name, found);
    }

    /** If all images lie in folders within one common folder, that one is passed over; the first folder left is the class. */
    private static SampleIndex<Entry> byFolder(String name, List<Entry> images, List<String> folders) {
        String top = null;
        for (Entry e : images) {
            int slash = e.name().indexOf('/');
            String first = slash > 0 && e.name().indexOf('/', slash + 1) > 0 ? e.name().substring(0, slash + 1) : "";
            top = top == null || top.equals(first) ? first : "";
        }
        int skip = top == null ? 0 : top.length();
        Set<String> classes = new TreeSet<>();
        for (String folder : folders) {
            if (top != null && folder.startsWith(top) && folder.length() > skip && folder.indexOf('/', skip) < 0) {
                classes.add(folder.substring(skip));
            }
        }
        List<SampleIndex.Found<Entry>> found = new ArrayList<>(images.size());
        for (Entry e : images) {
            int slash = e.name().indexOf('/', skip);
            if (slash > 0) {
                found.add(new SampleIndex.Found<>(e.name().substring(skip, slash), e.name(), e));
            }
        }
        if (found.isEmpty()) {
            throw new DataException(name, "no images in class folders", images.size() + " images outside folders",
                    "one folder of images per class, or a .cls entry beside each image", "pack a folder of class folders with: tar cf images.tar folder");
        }
        return SampleIndex.of(name, classes, found);
    }

    @Override
    public byte[] bytes(int i) {
        byte[] bytes = new byte[entry(i).length()];
        read(i, bytes);
        return bytes;
    }

    @Override
    public void read(int i, Encoded into) {
        read(i, into.room(entry(i).length()));
    }

    private void read(int i, byte[] into) {
        Entry entry = entry(i);
        ByteBuffer buffer = ByteBuffer.wrap(into, 0, entry.length());
        try {
            while (buffer.hasRemaining()) {
                if (channels.get(entry.shard()).read(buffer, entry.offset() + buffer.position()) < 0) {
                    throw new DataException(name(i), "the tar ended early", buffer.position() + " bytes", entry.length() + " bytes", "do not change the tar while it is in use");
                }
            }
        } catch (IOException e) {
            throw new DataException(name(i), "the tar cannot be read", e.toString(), "a readable, open file", "check the disk", e);
        }
    }

    /** {@code images.tar!train/cat/0001.jpg}. */
    @Override
    public String name(int i) {
        Entry entry = entry(i);
        return paths.get(entry.shard()) + "!" + entry.name();
    }

    @Override
    public List<int[]> shards() {
        List<List<Integer>> byShard = new ArrayList<>();
        paths.forEach(_ -> byShard.add(new ArrayList<>()));
        IntStream.range(0, size()).forEach(i -> byShard.get(entry(i).shard()).add(i));
        Comparator<Integer> place = Comparator.comparingLong(i -> entry(i).offset());
        return byShard.stream().map(s -> s.stream().sorted(place).mapToInt(Integer::intValue).toArray()).toList();
    }

    /** Closes the files; reads in progress elsewhere fail. */
    @Override
    public void close() {
        IOException first = null;
        for (FileChannel channel : channels) {
            try {
                channel.close();
            } catch (IOException e) {
                first = first == null ? e : first;
            }
        }
        if (first != null) {
            throw new DataException(paths.getFirst().toString(), "the tar cannot be closed", first.toString(), "an open file", "check the disk", first);
        }
    }
}
