package dev.jacquard.emulator;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** Special registers, whose values do not depend on what a thread does. */
enum Special {
    TID_X, TID_Y, TID_Z, NTID_X, NTID_Y, NTID_Z, CTAID_X, CTAID_Y, CTAID_Z, NCTAID_X, NCTAID_Y, NCTAID_Z, LANEID, WARPID, NWARPID, SMID, NSMID, GRIDID, LANEMASK_EQ,
    LANEMASK_LT, LANEMASK_LE, LANEMASK_GT, LANEMASK_GE, DYNAMIC_SMEM_SIZE, TOTAL_SMEM_SIZE;

    private static final Map<String, Special> BY_NAME = new HashMap<>();

    static {
        for (Special s : values()) {
            String name = s.name().toLowerCase(Locale.ROOT);
            BY_NAME.put("%" + (s.ordinal() < LANEID.ordinal() ? name.replace('_', '.') : name), s);
        }
    }

    /** By its name such as {@code %tid.x}, or null. */
    static Special of(String name) {
        return BY_NAME.get(name);
    }
}
