package dev.jacquard.tensor.io;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.ShapeException;
import dev.jacquard.tensor.TensorType;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The header of a safetensors file, parsed and checked against the size of the data, and printed.
 *
 * @param entries tensors by name, in the order of the header; offsets count from the end of the header
 * @param metadata the strings under {@code __metadata__}
 */
record SafeTensorsHeader(Map<String, Entry> entries, Map<String, String> metadata) {
    static final String METADATA = "__metadata__";
    static final int MAX_BYTES = 100_000_000;
    static final String REMEDY = "the file is damaged or no safetensors file; fetch or write it again";

    private static final int MAX_RANK = 64;

    /** Bits per element of what the format knows and we do not compute with. */
    private static final Map<String, Integer> FOREIGN_BITS = Map.ofEntries(Map.entry("BOOL", 8), Map.entry("I16", 16), Map.entry("U16", 16),
            Map.entry("U32", 32), Map.entry("U64", 64), Map.entry("C64", 64), Map.entry("F8_E4M3", 8), Map.entry("F8_E5M2", 8),
            Map.entry("F8_E8M0", 8), Map.entry("F6_E2M3", 6), Map.entry("F6_E3M2", 6), Map.entry("F4", 4));
    private static final Map<String, DType> DTYPES = dtypes();

    /** One tensor: where its bytes are and what they mean. */
    record Entry(String dtype, Shape shape, long begin, long end) {
        /** The engine's type. @throws DataException if the engine has no such element type */
        TensorType type(String where) {
            DType known = DTYPES.get(dtype);
            if (known == null) {
                throw new DataException(where, "unsupported element type", dtype, "one of " + DTYPES.keySet(),
                        "convert the tensor before saving, or leave it unread");
            }
            return new TensorType(known, shape);
        }
    }

    private static Map<String, DType> dtypes() {
        Map<String, DType> known = new LinkedHashMap<>();
        Arrays.stream(DType.values()).forEach(d -> known.put(d.name(), d));
        return Collections.unmodifiableMap(known);
    }

    /** Parses the text of a header. @throws DataException at the first thing that is not as the format has it */
    static SafeTensorsHeader parse(String file, byte[] bytes, long dataBytes) {
        if (bytes.length == 0 || bytes[0] != '{') {
            throw bad(file, "malformed header", bytes.length == 0 ? "no text" : "first byte 0x" + Integer.toHexString(bytes[0] & 0xff), "'{'");
        }
        HeaderText text = HeaderText.decode(file, REMEDY, bytes, StandardCharsets.UTF_8);
        Map<String, Entry> entries = new LinkedHashMap<>();
        Map<String, String> metadata = null;
        text.expect('{');
        if (!text.accept('}')) {
            do {
                String name = text.jsonString("the name of a tensor");
                text.expect(':');
                if (name.equals(METADATA)) {
                    if (metadata != null) {
                        throw bad(file, "duplicate key", METADATA, "it once");
                    }
                    metadata = metadata(file, text);
                } else if (entries.put(name, entry(where(file, name), text)) != null) {
                    throw bad(where(file, name), "duplicate tensor", "the name twice", "each name once");
                }
            } while (text.accept(','));
            text.expect('}');
        }
        text.end();
        checkOffsets(file, entries, dataBytes);
        return new SafeTensorsHeader(Collections.unmodifiableMap(entries),
                metadata == null ? Map.of() : Collections.unmodifiableMap(metadata));
    }

    private static Map<String, String> metadata(String file, HeaderText text) {
        Map<String, String> metadata = new LinkedHashMap<>();
        text.expect('{');
        if (!text.accept('}')) {
            do {
                String key = text.jsonString("a key of the metadata");
                text.expect(':');
                if (metadata.put(key, text.jsonString("a value of the metadata")) != null) {
                    throw bad(file, "duplicate key in the metadata", FileErrors.quote(key), "each key once");
                }
            } while (text.accept(','));
            text.expect('}');
        }
        return metadata;
    }

    private static Entry entry(String where, HeaderText text) {
        String dtype = null;
        long[] dims = null;
        long[] offsets = null;
        text.expect('{');
        do {
            String key = text.jsonString("dtype, shape or data_offsets");
            text.expect(':');
            boolean twice = false;
            switch (key) {
                case "dtype" -> {
                    twice = dtype != null;
                    dtype = text.jsonString("an element type");
                }
                case "shape" -> {
                    twice = dims != null;
                    dims = integers(text, "an extent");
                }
                case "data_offsets" -> {
                    twice = offsets != null;
                    offsets = integers(text, "an offset");
                }
                default -> throw bad(where, "unknown key", FileErrors.quote(key), "dtype, shape and data_offsets");
            }
            if (twice) {
                throw bad(where, "duplicate key", key, "it once");
            }
        } while (text.accept(','));
        text.expect('}');
        if (dtype == null || dims == null || offsets == null) {
            throw bad(where, "incomplete entry", "no " + (dtype == null ? "dtype" : dims == null ? "shape" : "data_offsets"),
                    "dtype, shape and data_offsets");
        }
        if (offsets.length != 2) {
            throw bad(where, "malformed data_offsets", offsets.length + " numbers", "a pair");
        }
        try {
            return new Entry(dtype, Shape.of(dims), offsets[0], offsets[1]);
        } catch (ShapeException e) {
            throw new DataException(where, "absurd shape", e.got(), e.expected(), REMEDY, e);
        }
    }

    private static long[] integers(HeaderText text, String what) {
        long[] numbers = new long[MAX_RANK];
        int n = 0;
        text.expect('[');
        if (!text.accept(']')) {
            do {
                if (n == MAX_RANK) {
                    throw text.error("more than " + MAX_RANK + " numbers", "at most " + MAX_RANK);
                }
                numbers[n++] = text.integer(what);
            } while (text.accept(','));
            text.expect(']');
        }
        return Arrays.copyOf(numbers, n);
    }

    /** Each tensor as long as its type says, and all of them covering the data without holes or overlaps. */
    private static void checkOffsets(String file, Map<String, Entry> entries, long dataBytes) {
        entries.forEach((name, e) -> checkSize(where(file, name), e, dataBytes));
        List<Map.Entry<String, Entry>> sorted = new ArrayList<>(entries.entrySet());
        sorted.sort(Comparator.comparingLong((Map.Entry<String, Entry> e) -> e.getValue().begin).thenComparingLong(e -> e.getValue().end));
        long covered = 0;
        for (Map.Entry<String, Entry> e : sorted) {
            long begin = e.getValue().begin;
            if (begin != covered) {
                throw bad(where(file, e.getKey()), begin < covered ? "tensors overlap" : "hole in the data", "begin at byte " + begin,
                        "begin at byte " + covered + ", where the tensor before ends");
            }
            covered = e.getValue().end;
        }
        if (covered != dataBytes) {
            throw bad(file, "hole in the data", dataBytes + " bytes of which tensors cover " + covered, "data covered to the last byte");
        }
    }

    private static void checkSize(String where, Entry e, long dataBytes) {
        DType known = DTYPES.get(e.dtype);
        Integer bits = known == null ? FOREIGN_BITS.get(e.dtype) : Integer.valueOf(known.bytes() * 8);
        if (bits == null) {
            throw bad(where, "unknown element type", FileErrors.quote(e.dtype), "one of " + DTYPES.keySet() + " and the rest of the format");
        }
        if (e.begin > e.end || e.end > dataBytes) {
            throw bad(where, e.begin > e.end ? "begin beyond end" : "data beyond the end of the file", "bytes " + e.begin + " to " + e.end,
                    "a range within the " + dataBytes + " bytes of data");
        }
        long n = e.shape.size();
        long held = (e.end - e.begin) * 8;
        if (n > Long.MAX_VALUE / bits || n * bits != held) {
            throw bad(where, "data does not fit the shape", (e.end - e.begin) + " bytes",
                    n + " elements of " + bits + " bits for " + e.dtype + " " + e.shape);
        }
    }

    /** The text of a header: tensors packed in the order given. Names must be free of lone surrogates. */
    static String print(Map<String, TensorType> tensors, Map<String, String> metadata) {
        StringBuilder out = new StringBuilder("{");
        if (!metadata.isEmpty()) {
            string(out, METADATA);
            out.append(":{");
            String comma = "";
            for (Map.Entry<String, String> e : metadata.entrySet()) {
                string(out.append(comma), e.getKey());
                string(out.append(':'), e.getValue());
                comma = ",";
            }
            out.append(tensors.isEmpty() ? "}" : "},");
        }
        long begin = 0;
        String comma = "";
        for (Map.Entry<String, TensorType> e : tensors.entrySet()) {
            TensorType type = e.getValue();
            long end = begin + type.bytes();
            string(out.append(comma), e.getKey());
            String dims = Arrays.toString(type.shape().dims()).replace(" ", "");
            out.append(":{\"dtype\":\"").append(type.dtype().name()).append("\",\"shape\":").append(dims)
                    .append(",\"data_offsets\":[").append(begin).append(',').append(end).append("]}");
            begin = end;
            comma = ",";
        }
        return out.append('}').toString();
    }

    private static void string(StringBuilder out, String s) {
        out.append('"');
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }

    /** File and tensor, for messages. */
    static String where(String file, String tensor) {
        return file + ", tensor " + FileErrors.quote(tensor);
    }

    private static DataException bad(String where, String problem, String got, String expected) {
        return new DataException(where, problem, got, expected, REMEDY);
    }
}
