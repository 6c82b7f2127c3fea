# What kernels/build keeps of nvcc's PTX: the code and the lines it comes from. Plain awk, so that every awk gives the same bytes.
# Reads the file twice, as the names of the sources come last: awk -v isa=8.0 -v root=/path -f reduce.awk raw.ptx raw.ptx
#   -v isa=8.0           the .version line to write
#   -v root=/path        where kernels/ is; file names become relative to it
# Dropped: comments, empty lines, the table of inlined functions (half of the text), .loc columns, .loc lines that change nothing, tabs, and what is long in generated names.
# Lines of the compiler's own headers (what __shfl_sync is made of) become the line of ours that they were inlined at.
# Renamed: affine_f32_param_0 to p0, $L__BB0_2 to L2, mangled names of static variables, which also depend on the checkout's path, to s0, s1, ...

function flush_loc() {
    if (pending != "" && pending != printed) {
        print pending
        printed = pending
    }
    pending = ""
}

function short_names(line,    name) {
    gsub(/[A-Za-z0-9_$]+_param_/, "p", line)
    gsub(/\$L__BB[0-9]+_/, "L", line)
    while (match(line, /_Z[A-Za-z0-9_$]+/)) {
        name = substr(line, RSTART, RLENGTH)
        if (!(name in statics)) {
            statics[name] = "s" count++
        }
        line = substr(line, 1, RSTART - 1) statics[name] substr(line, RSTART + RLENGTH)
    }
    return line
}

NR == FNR {
    if ($1 == ".file" && index($0, "\"" root "/") == 0) {
        foreign[$2] = 1
    }
    next
}

/^[ \t]*\/\// || /^[ \t]*$/ { next }
/^[ \t]*\.section/ { exit }
/^\.version/ { print ".version " isa; next }

{
    sub(/^[ \t]+/, "")
    gsub(/[ \t]+/, " ")
}

/^\.file/ {
    if (!($2 in foreign)) {
        i = index($0, "\"")
        print substr($0, 1, i) substr($0, i + length(root) + 2)
    }
    next
}

/^\.loc/ {
    file = $2
    line = $3
    if (file in foreign) {
        if (!match($0, /inlined_at [0-9]+ [0-9]+/)) {
            next
        }
        split(substr($0, RSTART, RLENGTH), at, " ")
        file = at[2]
        line = at[3]
    }
    if (!(file in foreign) && line > 0) { # line 0: of no line
        pending = ".loc " file " " line " 0"
    }
    next
}

# Where each function begins, the assembler knows of no line yet.
/^\{/ { printed = "" }

# A label is not code: the lines before it still wait for what they are of.
/^\$?L[A-Za-z0-9_$]*:/ { print short_names($0); next }

/^\}/ { pending = "" }

{
    flush_loc()
    print short_names($0)
}
