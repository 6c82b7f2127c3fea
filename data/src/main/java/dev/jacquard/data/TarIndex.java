package dev.jacquard.data;

import dev.jacquard.tensor.DataException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

/**
 * What one tar holds, from one pass over its headers. Names in it are labels, never paths of files.
 *
 * @param images in the order in which they lie there
 * @param folders names without a slash at the end
 * @param numbers class numbers by key, from entries {@code <key>.cls}, see {@link #key}
 * @param passedOver entries that are not taken, by reason
 */
record TarIndex(List<Entry> images, List<String> folders, Map<String, String> numbers, Map<String, Integer> passedOver) {
    private static final int BLOCK = 512;
    /** A class number and white space; more is no class number. */
    private static final int MOST_CLS_BYTES = 32;

    /** An image in an archive: its name there, which shard, where its bytes start, how many. */
    record Entry(String name, int shard, long offset, int length) {}

    /** Whether the file's first header carries the mark of POSIX or GNU tar. */
    static boolean hasTarMagic(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path)) {
            ByteBuffer magic = ByteBuffer.allocate(5);
            channel.read(magic, 257);
            return new String(magic.array(), StandardCharsets.US_ASCII).equals("ustar");
        }
    }

    /** WebDataset's name of a sample: the path up to the first dot of its last part. */
    static String key(String name) {
        int dot = name.indexOf('.', name.lastIndexOf('/') + 1);
        return dot < 0 ? name : name.substring(0, dot);
    }

    /** Goes over a tar's headers. @param shard its number among the shards of the data set @throws DataException if it is no tar, or cut short */
    static TarIndex scan(Path path, int shard) {
        try (FileChannel channel = FileChannel.open(path); TarArchiveInputStream tar = new TarArchiveInputStream(new Positioned(channel))) {
            Scan scan = new Scan(shard, channel, new ArrayList<>(), new ArrayList<>(), new HashMap<>(), new PassedOver());
            long length = channel.size();
            long end = 0;
            for (TarArchiveEntry entry; (entry = tar.getNextEntry()) != null;) { // one at a time: a million entries of commons-compress are most of a gigabyte
                long at = channel.position();
                long last = at + (entry.isFile() && !entry.isSparse() ? entry.getSize() : 0);
                end = Math.max(end, (last + BLOCK - 1) / BLOCK * BLOCK);
                if (last > length) {
                    throw truncated(path, length, "entry " + plain(entry.getName()) + " ends at byte " + last, null);
                }
                scan.entry(entry, plain(entry.getName()), at);
            }
            if (end + BLOCK > length) {
                throw truncated(path, length, "the end mark of a tar is missing after byte " + end, null);
            }
            return new TarIndex(scan.images, scan.folders, scan.numbers, scan.passed.counts());
        } catch (DataException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            boolean tar = false;
            try {
                tar = hasTarMagic(path);
            } catch (IOException unreadable) {
                e.addSuppressed(unreadable);
            }
            if (tar) {
                throw truncated(path, path.toFile().length(), String.valueOf(e.getMessage()), e);
            }
            throw new DataException(path.toString(), "the file is no tar", String.valueOf(e.getMessage()), "an uncompressed tar of class folders",
                    "check the path, or pack it again", e);
        }
    }

    /** A file as a stream that skips by seeking. */
    private static final class Positioned extends InputStream {
        private final FileChannel channel;

        Positioned(FileChannel channel) {
            this.channel = channel;
        }

        @Override
        public int read() throws IOException {
            ByteBuffer one = ByteBuffer.allocate(1);
            return channel.read(one) < 0 ? -1 : one.get(0) & 0xFF;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            return channel.read(ByteBuffer.wrap(target, offset, length));
        }

        @Override
        public long skip(long n) throws IOException {
            long from = channel.position();
            long to = Math.clamp(n, 0, Math.max(channel.size() - from, 0)) + from;
            channel.position(to);
            return to - from;
        }

        @Override
        public int available() throws IOException {
            return Math.clamp(channel.size() - channel.position(), 0, Integer.MAX_VALUE);
        }
    }

    /** A pass that is going on. */
    private record Scan(int shard, FileChannel channel, List<Entry> images, List<String> folders, Map<String, String> numbers, PassedOver passed) {
        void entry(TarArchiveEntry entry, String name, long at) throws IOException {
            if (entry.getName().startsWith("/") || ("/" + name + "/").contains("/../")) {
                passed.add("name that leaves the archive");
            } else if (name.isEmpty() || name.startsWith(".") || name.contains("/.")) {
                return; // hidden
            } else if (entry.isDirectory()) {
                folders.add(name);
            } else if (entry.isLink() || entry.isSymbolicLink()) {
                passed.add("link in a tar");
            } else if (!plainFile(entry)) {
                passed.add("special entry");
            } else if (SampleIndex.isImageName(name.substring(name.lastIndexOf('/') + 1))) {
                if (entry.isSparse()) {
                    passed.add("sparse entry");
                } else if (entry.getSize() > Images.MAX_FILE_BYTES) {
                    passed.add("entry too large for an image");
                } else {
                    images.add(new Entry(name, shard, at, (int) entry.getSize()));
                }
            } else if (name.endsWith(".cls") && !entry.isSparse()) {
                number(entry, name, at);
            }
        }

        private static boolean plainFile(TarArchiveEntry entry) {
            return entry.isFile() && !entry.isFIFO() && !entry.isBlockDevice() && !entry.isCharacterDevice();
        }

        private void number(TarArchiveEntry entry, String name, long at) throws IOException {
            ByteBuffer text = ByteBuffer.allocate((int) Math.min(entry.getSize(), MOST_CLS_BYTES));
            channel.read(text, at);
            numbers.put(key(name), new String(text.array(), 0, text.position(), StandardCharsets.US_ASCII).strip());
        }
    }

    /** An entry's name without "./" in front and "/" behind. */
    private static String plain(String name) {
        int from = 0;
        while (name.startsWith("./", from)) {
            from += 2;
        }
        int to = name.length();
        while (to > from && name.charAt(to - 1) == '/') {
            to--;
        }
        return name.substring(from, to);
    }

    private static DataException truncated(Path path, long length, String what, Exception cause) {
        return new DataException(path.toString(), "the tar is truncated or damaged", length + " bytes, and " + what, "a whole tar", "copy or pack it again", cause);
    }
}
