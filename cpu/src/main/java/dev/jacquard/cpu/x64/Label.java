package dev.jacquard.cpu.x64;

import java.util.ArrayList;
import java.util.List;

/** A place in the code; jumps to it may come before it. */
final class Label {
    /** Offset of the place, -1 while unknown. */
    int at = -1;

    /** Offsets of four-byte distances to fill in. */
    final List<Integer> jumps = new ArrayList<>();
}
