package dev.jacquard.tensor.io;

import dev.jacquard.tensor.DType;
import dev.jacquard.tensor.DataException;
import dev.jacquard.tensor.Shape;
import dev.jacquard.tensor.ShapeException;
import dev.jacquard.tensor.TensorType;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** The header of an npy file: a Python dictionary with exactly the keys descr, fortran_order and shape. */
final class NpyHeader {
    static final String REMEDY = "the file is damaged or no npy file; write it again with numpy.save";

    private static final int MAX_RANK = 64;
    private static final int ALIGNMENT = 64;
    /** Bytes before the text in version 1: magic, version, length. */
    private static final int PREFIX_V1 = 10;
    /** NumPy leaves room for the first extent to grow to any 64-bit number in place. */
    private static final int GROWTH_DIGITS = 21;
    private static final byte[] MAGIC_V1 = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};

    private static final Map<String, DType> DTYPES = dtypes();

    private NpyHeader() {
    }

    private static Map<String, DType> dtypes() {
        Map<String, DType> known = new LinkedHashMap<>();
        known.put("<f4", DType.F32);
        known.put("<f8", DType.F64);
        known.put("<f2", DType.F16);
        known.put("|i1", DType.I8);
        known.put("|u1", DType.U8);
        known.put("<i4", DType.I32);
        known.put("<i8", DType.I64);
        return known;
    }

    /** Parses the dictionary. @param version 1, 2 (both Latin-1) or 3 (UTF-8) */
    static TensorType parse(String file, int version, byte[] bytes) {
        HeaderText text = HeaderText.decode(file, REMEDY, bytes, version < 3 ? StandardCharsets.ISO_8859_1 : StandardCharsets.UTF_8);
        DType dtype = null;
        Boolean fortran = null;
        long[] dims = null;
        text.expect('{');
        while (!text.accept('}')) {
            String key = string(text, "a key");
            text.expect(':');
            boolean twice = false;
            switch (key) {
                case "descr" -> {
                    twice = dtype != null;
                    dtype = dtype(file, text);
                }
                case "fortran_order" -> {
                    twice = fortran != null;
                    fortran = bool(text);
                }
                case "shape" -> {
                    twice = dims != null;
                    dims = tuple(text);
                }
                default -> throw new DataException(file, "unknown key in the header", FileErrors.quote(key),
                        "descr, fortran_order and shape", REMEDY);
            }
            if (twice) {
                throw new DataException(file, "duplicate key in the header", key, "it once", REMEDY);
            }
            if (!text.accept(',')) {
                text.expect('}');
                break;
            }
        }
        text.end();
        if (dtype == null || fortran == null || dims == null) {
            throw new DataException(file, "incomplete header", "no " + (dtype == null ? "descr" : fortran == null ? "fortran_order" : "shape"),
                    "descr, fortran_order and shape", REMEDY);
        }
        // Of a vector or scalar both orders are the same.
        if (fortran && dims.length > 1) {
            throw new DataException(file, "array in Fortran order", "fortran_order True", "C order", "save numpy.ascontiguousarray(a)");
        }
        try {
            return new TensorType(dtype, Shape.of(dims));
        } catch (ShapeException e) {
            throw new DataException(file, "absurd shape", e.got(), e.expected(), REMEDY, e);
        }
    }

    private static DType dtype(String file, HeaderText text) {
        String next = text.here();
        if (next.startsWith("'[")) {
            throw new DataException(file, "structured array", next, "one plain element type", "save each field as an array of its own");
        }
        String descr = string(text, "an element type");
        // For single bytes the order means nothing and some writers state one.
        DType known = DTYPES.get(descr.matches("[<>=][iu]1") ? "|" + descr.substring(1) : descr);
        if (known != null) {
            return known;
        }
        boolean bigEndian = descr.startsWith(">");
        String remedy = descr.equals("|O") ? "pickled objects are never read; save an array of numbers"
                : bigEndian ? "save a.astype(" + FileErrors.quote("<" + descr.substring(1)) + ")"
                : "convert with a.astype('<f4') or another of these";
        throw new DataException(file, bigEndian ? "big-endian array" : "unsupported element type", FileErrors.quote(descr),
                "one of " + DTYPES.keySet(), remedy);
    }

    /** A string literal in either kind of quotes; escapes have no place in these headers and are refused. */
    private static String string(HeaderText text, String what) {
        char quote = text.accept('\'') ? '\'' : '"';
        if (quote == '"' && !text.accept('"')) {
            throw text.error(text.here(), what + ", a string");
        }
        StringBuilder out = new StringBuilder();
        for (char c = text.next("the closing quote"); c != quote; c = text.next("the closing quote")) {
            if (c == '\\' || c < ' ') {
                throw text.error("an escape or control character", "plain characters");
            }
            out.append(c);
        }
        return out.toString();
    }

    private static boolean bool(HeaderText text) {
        if (text.acceptWord("True")) {
            return true;
        }
        if (text.acceptWord("False")) {
            return false;
        }
        throw text.error(text.here(), "True or False");
    }

    /** {@code ()}, {@code (3,)}, {@code (3, 4)}. */
    private static long[] tuple(HeaderText text) {
        long[] numbers = new long[MAX_RANK];
        int n = 0;
        boolean comma = true;
        text.expect('(');
        while (!text.accept(')')) {
            if (!comma || n == MAX_RANK) {
                throw text.error(text.here(), n == MAX_RANK ? "at most " + MAX_RANK + " extents" : "','");
            }
            numbers[n++] = text.integer("an extent");
            comma = text.accept(',');
        }
        if (n == 1 && !comma) {
            throw text.error("a number in parentheses", "a tuple");
        }
        return Arrays.copyOf(numbers, n);
    }

    /** All bytes before the data, as NumPy writes them: version 1, data at a multiple of 64. */
    static byte[] print(String file, TensorType type) {
        String descr = DTYPES.entrySet().stream().filter(e -> e.getValue() == type.dtype()).map(Map.Entry::getKey).findFirst()
                .orElseThrow(() -> new DataException(file, "no such element type in npy", type.dtype().toString(), "one of " + DTYPES.keySet(),
                        "convert to f32 or write safetensors"));
        long[] dims = type.shape().dims();
        StringBuilder shape = new StringBuilder("(");
        for (int i = 0; i < dims.length; i++) {
            shape.append(i == 0 ? "" : " ").append(dims[i]).append(i < dims.length - 1 || i == 0 ? "," : "");
        }
        StringBuilder text = new StringBuilder("{'descr': '").append(descr)
                .append("', 'fortran_order': False, 'shape': ").append(shape).append("), }");
        if (dims.length > 0) {
            text.repeat(' ', GROWTH_DIGITS - Long.toString(dims[0]).length());
        }
        text.repeat(' ', ALIGNMENT - (PREFIX_V1 + text.length() + 1) % ALIGNMENT).append('\n');
        byte[] header = Arrays.copyOf(MAGIC_V1, PREFIX_V1 + text.length());
        header[8] = (byte) text.length();
        header[9] = (byte) (text.length() >>> 8);
        System.arraycopy(text.toString().getBytes(StandardCharsets.ISO_8859_1), 0, header, PREFIX_V1, text.length());
        return header;
    }
}
