package dev.jacquard.tensor.io;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;

/** Damage done to valid files: flipped, replaced, inserted, removed and doubled bytes, cut ends, numbers of the kind that hurts. */
final class Mutations {
    private static final String[] SPLICES = {"-1", "0", "9223372036854775807", "9223372036854775808", "1152921504606846976", "4294967296", "1e9", "{", "}",
        "[", "]", "(", ")", "\"", "'", "\\", "\\u", "\\ud800", ",", ":", "null", "True", "F16", "BOOL", "I64", "<f2", "|O", "__metadata__", "\0", "\n", "é", "𐀀"};

    private Mutations() {
    }

    static byte[] mutate(byte[] seed, Random random) {
        byte[] bytes = seed.clone();
        for (int i = random.nextInt(4); i >= 0; i--) {
            bytes = once(bytes, random);
        }
        return bytes;
    }

    private static byte[] once(byte[] bytes, Random random) {
        if (bytes.length == 0) {
            return new byte[] {(byte) random.nextInt()};
        }
        int at = random.nextInt(bytes.length);
        int to = Math.min(bytes.length, at + 1 + random.nextInt(16));
        byte[] head = Arrays.copyOf(bytes, at);
        byte[] tail = Arrays.copyOfRange(bytes, at, bytes.length);
        byte[] splice = SPLICES[random.nextInt(SPLICES.length)].getBytes(StandardCharsets.UTF_8);
        return switch (random.nextInt(9)) {
            case 0 -> flip(bytes, at, 1 << random.nextInt(8));
            case 1 -> flip(bytes, at, random.nextInt(256));
            case 2 -> flip(bytes, random.nextInt(Math.min(12, bytes.length)), 1 << random.nextInt(8));
            case 3 -> head;
            case 4 -> TestFiles.concat(head, splice, tail);
            case 5 -> TestFiles.concat(head, splice, Arrays.copyOfRange(bytes, Math.min(bytes.length, at + splice.length), bytes.length));
            case 6 -> TestFiles.concat(head, Arrays.copyOfRange(bytes, to, bytes.length));
            case 7 -> TestFiles.concat(head, Arrays.copyOfRange(bytes, at, to), tail);
            default -> digit(bytes, at, random);
        };
    }

    private static byte[] flip(byte[] bytes, int at, int mask) {
        bytes[at] ^= (byte) mask;
        return bytes;
    }

    /** Another digit in the place of the next one: the header stays well-formed, its claims become wrong. */
    private static byte[] digit(byte[] bytes, int at, Random random) {
        for (int i = 0; i < bytes.length; i++) {
            int k = (at + i) % bytes.length;
            if (bytes[k] >= '0' && bytes[k] <= '9') {
                bytes[k] = (byte) ('0' + random.nextInt(10));
                return bytes;
            }
        }
        return bytes;
    }
}
