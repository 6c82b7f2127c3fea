package dev.jacquard.data;

import dev.jacquard.tensor.DataException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarFile;

/** An uncompressed tar of class folders: indexed once when opened, then read at any place by positional reads. */
final class TarSource implements ImageSource {
    private static final int BLOCK = 512;

    /** An image in the archive: its name there, where its bytes start, how many. */
    private record Entry(String name, long offset, int length) {}

    private final Path path;
    private final FileChannel channel;
    private final SampleIndex<Entry> index;

    private TarSource(Path path, FileChannel channel, SampleIndex<Entry> index) {
        this.path = path;
        this.channel = channel;
        this.index = index;
    }

    /** Whether the file's first header carries the mark of POSIX or GNU tar. */
    static boolean hasTarMagic(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path)) {
            ByteBuffer magic = ByteBuffer.allocate(5);
            channel.read(magic, 257);
            return new String(magic.array(), StandardCharsets.US_ASCII).equals("ustar");
        }
    }

    /** Indexes the archive, see {@link ImageSource#open}. */
    static TarSource open(Path path) {
        List<Entry> images = new ArrayList<>();
        List<String> folders = new ArrayList<>();
        scan(path, images, folders);
        SampleIndex<Entry> index = index(path, images, folders);
        try {
            return new TarSource(path, FileChannel.open(path, StandardOpenOption.READ), index);
        } catch (IOException e) {
            throw new DataException(path.toString(), "the tar cannot be opened", e.toString(), "a readable file", "check its permissions and the disk", e);
        }
    }

    private static void scan(Path path, List<Entry> images, List<String> folders) {
        try (TarFile tar = new TarFile(path)) {
            long length = Files.size(path);
            long end = 0;
            for (TarArchiveEntry entry : tar.getEntries()) {
                String name = plain(entry.getName());
                long last = entry.getDataOffset() + (entry.isFile() ? entry.getSize() : 0);
                end = Math.max(end, (last + BLOCK - 1) / BLOCK * BLOCK);
                if (last > length) {
                    throw truncated(path, length, "entry " + name + " ends at byte " + last, null);
                }
                if (name.isEmpty() || name.startsWith(".") || name.contains("/.")) {
                    continue;
                }
                if (entry.isDirectory()) {
                    folders.add(name);
                } else if (entry.isFile() && !entry.isSparse() && SampleIndex.isImageName(name.substring(name.lastIndexOf('/') + 1))
                        && entry.getSize() <= Integer.MAX_VALUE - 8) {
                    images.add(new Entry(name, entry.getDataOffset(), (int) entry.getSize()));
                }
            }
            if (end + BLOCK > length) {
                throw truncated(path, length, "the end mark of a tar is missing after byte " + end, null);
            }
        } catch (IOException | IllegalArgumentException | IllegalStateException e) {
            boolean tar = false;
            try {
                tar = hasTarMagic(path);
            } catch (IOException unreadable) {
                e.addSuppressed(unreadable);
            }
            if (tar) {
                throw truncated(path, path.toFile().length(), String.valueOf(e.getMessage()), e);
            }
            throw new DataException(path.toString(), "the file is no tar", String.valueOf(e.getMessage()), "an uncompressed tar of class folders", "check the path, or pack it again", e);
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

    /** If all images lie in folders within one common folder, that one is passed over; the first folder left is the class. */
    private static SampleIndex<Entry> index(Path path, List<Entry> images, List<String> folders) {
        String top = null;
        for (Entry e : images) {
            int slash = e.name.indexOf('/');
            String first = slash > 0 && e.name.indexOf('/', slash + 1) > 0 ? e.name.substring(0, slash + 1) : "";
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
            int slash = e.name.indexOf('/', skip);
            if (slash > 0) {
                found.add(new SampleIndex.Found<>(e.name.substring(skip, slash), e.name, e));
            }
        }
        if (found.isEmpty()) {
            throw new DataException(path.toString(), "no images in class folders", images.size() + " images outside folders", "one folder of images per class",
                    "pack a folder of class folders with: tar cf images.tar folder");
        }
        return SampleIndex.of(path.toString(), classes, found);
    }

    @Override
    public int size() {
        return index.labels().length;
    }

    @Override
    public byte[] bytes(int i) {
        byte[] bytes = new byte[index.entries().get(i).length];
        read(i, bytes);
        return bytes;
    }

    @Override
    public void read(int i, Encoded into) {
        read(i, into.room(index.entries().get(i).length));
    }

    private void read(int i, byte[] into) {
        Entry entry = index.entries().get(i);
        ByteBuffer buffer = ByteBuffer.wrap(into, 0, entry.length);
        try {
            while (buffer.hasRemaining()) {
                if (channel.read(buffer, entry.offset + buffer.position()) < 0) {
                    throw new DataException(name(i), "the tar ended early", buffer.position() + " bytes", entry.length + " bytes", "do not change the tar while it is in use");
                }
            }
        } catch (IOException e) {
            throw new DataException(name(i), "the tar cannot be read", e.toString(), "a readable, open file", "check the disk", e);
        }
    }

    @Override
    public int label(int i) {
        return index.labels()[i];
    }

    /** {@code images.tar!train/cat/0001.jpg}. */
    @Override
    public String name(int i) {
        return path + "!" + index.entries().get(i).name;
    }

    @Override
    public List<String> classes() {
        return index.classes();
    }

    /** Closes the file; reads in progress elsewhere fail. */
    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new DataException(path.toString(), "the tar cannot be closed", e.toString(), "an open file", "check the disk", e);
        }
    }
}
