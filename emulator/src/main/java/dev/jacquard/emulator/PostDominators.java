package dev.jacquard.emulator;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/** Finds for each block the first block that every path from it to the exit passes: where lanes that took different ways run together again. */
final class PostDominators {
    private PostDominators() {}

    /** Sets {@link Block#join} of all blocks; the index after the last block means the exit. */
    static void set(List<Block> blocks) {
        int n = blocks.size();
        int[][] next = new int[n][];
        List<List<Integer>> before = new ArrayList<>();
        for (int i = 0; i <= n; i++) {
            before.add(new ArrayList<>());
        }
        for (int i = 0; i < n; i++) {
            next[i] = blocks.get(i).successors(i, n);
            for (int s : next[i]) {
                before.get(s).add(i);
            }
        }
        int[] order = new int[n + 1];
        int[] rank = new int[n + 1];
        int count = postorder(n, before, order);
        Arrays.fill(rank, -1);
        for (int i = 0; i < count; i++) {
            rank[order[i]] = i;
        }
        int[] join = new int[n + 1];
        Arrays.fill(join, -1);
        join[n] = n;
        for (boolean changed = true; changed;) {
            changed = false;
            for (int k = count - 2; k >= 0; k--) {
                int b = order[k];
                int best = -1;
                for (int s : next[b]) {
                    if (join[s] >= 0) {
                        best = best < 0 ? s : meet(best, s, join, rank);
                    }
                }
                if (best >= 0 && join[b] != best) {
                    join[b] = best;
                    changed = true;
                }
            }
        }
        for (int i = 0; i < n; i++) {
            blocks.get(i).join = join[i] < 0 ? n : join[i]; // a block that never ends joins nowhere
        }
    }

    private static int meet(int a, int b, int[] join, int[] rank) {
        int x = a;
        int y = b;
        while (x != y) {
            while (rank[x] < rank[y]) {
                x = join[x];
            }
            while (rank[y] < rank[x]) {
                y = join[y];
            }
        }
        return x;
    }

    /** Postorder of the reversed graph from the exit; the exit is last. @return how many blocks reach the exit, with the exit */
    private static int postorder(int exit, List<List<Integer>> before, int[] order) {
        BitSet seen = new BitSet();
        int[] stack = new int[order.length];
        int[] at = new int[order.length];
        int depth = 0;
        int count = 0;
        stack[depth++] = exit;
        seen.set(exit);
        while (depth > 0) {
            int b = stack[depth - 1];
            List<Integer> ways = before.get(b);
            if (at[b] < ways.size()) {
                int to = ways.get(at[b]++);
                if (!seen.get(to)) {
                    seen.set(to);
                    stack[depth++] = to;
                }
            } else {
                order[count++] = b;
                depth--;
            }
        }
        return count;
    }
}
