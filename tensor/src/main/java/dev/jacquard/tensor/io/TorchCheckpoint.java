package dev.jacquard.tensor.io;

import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads tensors from a {@code .pt} or {@code .pth} file of {@code torch.save}: since PyTorch 1.6 a zip archive with a pickle, {@code data.pkl}, that describes dictionaries of
 * tensors, and an entry {@code data/KEY} per storage. The pickle is read as data by {@link Unpickler}; no code of the file runs.
 *
 * <p>A tensor's name is the path to it, keys joined by dots: {@code state_dict.conv1.weight}. Text and numbers beside the tensors in the outermost dictionary are the metadata.
 * Views of storages are honoured: {@link #read} brings the elements into C order. Refused, each with its own words: files of PyTorch before 1.6, TorchScript archives, big-endian
 * files, every Python global beyond those that plain tensors need, and whatever {@link ZipDirectory} and {@link Unpickler} find wrong.
 *
 * <p>{@link #open} reads the directory of the archive and the pickle, at most 32 MiB of it; no tensor may have more elements than its storage, nor a storage more bytes than its
 * entry.
 */
public final class TorchCheckpoint extends OpenTensorFile {
    /** As many first bytes tell the format. */
    static final int HEAD_BYTES = 14;

    /** Some hundred times the pickle of a large network. */
    private static final int MAX_PICKLE = 32 << 20;
    private static final int MAX_DEPTH = 64;
    private static final long MAX_WALKED = 1 << 23;
    /** Characters that a visit counts for besides those of the path: what an object costs. */
    private static final int PER_VISIT = 32;
    private static final String PICKLE = "/data.pkl";
    private static final byte[] ZIP = {'P', 'K', 3, 4};
    /** A pickled integer of ten bytes that PyTorch's former format begins with. */
    private static final byte[] LEGACY = {(byte) 0x80, 2, (byte) 0x8a, 10, 0x6c, (byte) 0xfc, (byte) 0x9c, 0x46, (byte) 0xf9, 0x20, 0x6a, (byte) 0xa8, 0x50, 0x19};
    private static final String REMEDY = "the file is damaged or was not written by torch.save; write it again";

    private final ZipDirectory zip;
    private final String root;
    private final Map<String, TorchTensor> tensors = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();
    private long walked;

    private TorchCheckpoint(Path path, FileChannel channel) throws IOException {
        super(path, channel);
        refuseLegacy();
        this.zip = ZipDirectory.read(file, channel);
        this.root = root();
        refuseBigEndian();
        Object value = Unpickler.read(file, bytes(root + PICKLE, MAX_PICKLE));
        if (!(value instanceof Map<?, ?> outermost)) {
            throw new DataException(file, "not a dictionary of tensors", value instanceof TorchTensor ? "a tensor" : "another value", "a state dict or a dictionary with one",
                    "save model.state_dict()");
        }
        outermost.forEach((key, v) -> {
            if (key instanceof String s && (v instanceof String || v instanceof Number || v instanceof Boolean)) {
                metadata.put(s, v.toString());
            }
        });
        collect("", outermost, 0);
    }

    static boolean isZip(byte[] head) {
        return Arrays.equals(head, 0, Math.min(head.length, ZIP.length), ZIP, 0, ZIP.length);
    }

    static boolean isLegacy(byte[] head) {
        return Arrays.equals(head, LEGACY);
    }

    /** Opens a file, checks its directory and reads its pickle. @throws DataException if the file is missing, damaged, or holds more than plain tensors */
    public static TorchCheckpoint open(Path path) {
        return FileErrors.open(path, channel -> new TorchCheckpoint(path, channel));
    }

    private void refuseLegacy() throws IOException {
        byte[] head = new byte[(int) Math.min(HEAD_BYTES, channel.size())];
        Bytes.read(channel, 0, MemorySegment.ofArray(head));
        if (isLegacy(head)) {
            throw new DataException(file, "checkpoint in the format of PyTorch before 1.6", "a bare pickle", "the zip format",
                    "load and save it again with a newer PyTorch, or use scripts/pytorch_to_safetensors.py");
        }
        if (!isZip(head)) {
            throw new DataException(file, "not a PyTorch checkpoint", "other first bytes", "a zip file of torch.save", REMEDY);
        }
    }

    /** The folder that all of the archive's entries are in. */
    private String root() {
        List<String> roots = zip.entries().keySet().stream().filter(n -> n.endsWith(PICKLE)).map(n -> n.substring(0, n.length() - PICKLE.length()))
                .filter(n -> n.indexOf('/') < 0).toList();
        if (roots.size() != 1) {
            throw new DataException(file, "not a PyTorch checkpoint", "a zip file with " + roots.size() + " entries data.pkl", "one, in the outermost folder", REMEDY);
        }
        String folder = roots.getFirst();
        if (zip.entries().keySet().stream().anyMatch(n -> n.equals(folder + "/constants.pkl") || n.startsWith(folder + "/code/"))) {
            throw new DataException(file, "a TorchScript archive", "a program with its weights", "weights alone",
                    "save the state dict: torch.save(torch.jit.load(...).state_dict(), ...)");
        }
        zip.requireStored(file);
        return folder;
    }

    private void refuseBigEndian() throws IOException {
        String entry = root + "/byteorder";
        if (zip.entries().containsKey(entry)) {
            String order = new String(bytes(entry, 64), StandardCharsets.ISO_8859_1);
            if (!order.equals("little")) {
                throw new DataException(file, "byte order not supported", FileErrors.quote(order), "'little'", "save it on a little-endian machine");
            }
        }
    }

    private byte[] bytes(String entry, int most) throws IOException {
        ZipDirectory.Entry e = zip.entries().get(entry);
        if (e.size() > most) {
            throw new DataException(file, "entry " + FileErrors.quote(entry) + " too large", e.size() + " bytes", "at most " + most, REMEDY);
        }
        byte[] bytes = new byte[(int) e.size()];
        Bytes.read(channel, e.begin(), MemorySegment.ofArray(bytes));
        return bytes;
    }

    /**
     * Walks through dictionaries and lists. What is shared is walked once per way to it, and what contains itself for ever: depth and the characters of all paths together are
     * limited.
     */
    private void collect(String path, Object value, int depth) {
        walked += PER_VISIT + path.length();
        if (walked > MAX_WALKED || depth > MAX_DEPTH) {
            throw new DataException(file, "checkpoint too deep or too large", depth + " levels, " + walked + " characters of names", "up to " + MAX_DEPTH + " and " + MAX_WALKED,
                    "save the state dict alone");
        }
        switch (value) {
            case TorchTensor t -> add(path, t);
            case Map<?, ?> map -> map.forEach((key, v) -> collect(join(path, key == Unpickler.NOTHING ? "None" : key.toString()), v, depth + 1));
            case Unpickler.Tuple(List<Object> items) -> collect(path, items, depth);
            case List<?> list -> {
                for (int i = 0; i < list.size(); i++) {
                    collect(join(path, Integer.toString(i)), list.get(i), depth + 1);
                }
            }
            default -> { }
        }
    }

    private static String join(String path, String key) {
        return path.isEmpty() ? key : path + "." + key;
    }

    private void add(String name, TorchTensor t) {
        ZipDirectory.Entry e = zip.entries().get(root + "/data/" + t.storage().key());
        long bytes = t.storage().elements() * t.storage().kind().bytes();
        if (e == null || e.size() != bytes) {
            String got = e == null ? "no such entry" : e.size() + " bytes";
            throw new DataException(where(name), "storage " + FileErrors.quote(t.storage().key()) + " missing or of another size", got, bytes + " bytes", REMEDY);
        }
        if (tensors.put(name, t) != null) {
            throw new DataException(where(name), "duplicate tensor", "the name twice", "each path once", "rename one of them before saving");
        }
    }

    @Override
    public Set<String> names() {
        return Collections.unmodifiableSet(tensors.keySet());
    }

    @Override
    public Map<String, String> metadata() {
        return Collections.unmodifiableMap(metadata);
    }

    @Override
    public TensorType type(String name) {
        return tensor(name).type(where(name));
    }

    @Override
    void copy(String name, TensorType type, MemorySegment dst) throws IOException {
        TorchTensor t = tensor(name);
        if (t.contiguous()) {
            Bytes.read(channel, begin(t), dst);
        } else {
            gather(t, dst);
        }
    }

    @Override
    void copyFloats(String name, TensorType type, MemorySegment dst) throws IOException {
        TorchTensor t = tensor(name);
        if (t.contiguous()) {
            Bytes.readFloats(channel, begin(t), type, where(name), dst);
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ordered = arena.allocate(type.bytes(), Long.BYTES);
            gather(t, ordered);
            Bytes.toFloats(type.dtype(), ordered, type.shape().size(), where(name), dst);
        }
    }

    /** Strided views are rare and their storages are no larger than the file: all of the storage between first and last element is read at once. */
    private void gather(TorchTensor t, MemorySegment dst) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment span = arena.allocate(t.span() * t.storage().kind().bytes(), Long.BYTES);
            Bytes.read(channel, begin(t), span);
            t.gather(span, dst);
        }
    }

    private long begin(TorchTensor t) {
        return zip.entries().get(root + "/data/" + t.storage().key()).begin() + t.offset() * t.storage().kind().bytes();
    }

    private TorchTensor tensor(String name) {
        TorchTensor t = tensors.get(name);
        if (t == null) {
            throw unknown(name);
        }
        return t;
    }
}
