# Sourced by mvnw and jacquard, which set `tool` to their name for messages. jdk_find sets and exports JAVA_HOME to a
# JDK of version jdk_wanted or newer, or explains what to install and exits 2.
jdk_wanted=25

# Sets jdk_version to the feature version of the JDK in folder $1, 0 where there is none. It reads the release file
# that every JDK carries: asking `java -version` takes longer than all the rest of the start.
jdk_inspect() {
    jdk_version=0
    [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 0
    while IFS= read -r jdk_line; do
        case $jdk_line in
            JAVA_VERSION=*)
                jdk_version=${jdk_line#*\"}
                jdk_version=${jdk_version%%[!0-9]*}
                [ -n "$jdk_version" ] || jdk_version=0 ;;
        esac
    done < "$1/release"
}

# True, with JAVA_HOME set, when folder $1 holds a JDK that is new enough.
jdk_take() {
    jdk_inspect "$1"
    [ "$jdk_version" -ge "$jdk_wanted" ] || return 1
    JAVA_HOME=$1
    export JAVA_HOME
}

# The lowest version that is new enough among the folders given: the one the build is tested with comes before later ones.
jdk_take_lowest() {
    jdk_best=
    jdk_best_version=1000000
    for jdk_home in "$@"; do
        jdk_inspect "$jdk_home"
        if [ "$jdk_version" -ge "$jdk_wanted" ] && [ "$jdk_version" -lt "$jdk_best_version" ]; then
            jdk_best=$jdk_home
            jdk_best_version=$jdk_version
        fi
    done
    [ -n "$jdk_best" ] && jdk_take "$jdk_best"
}

jdk_find() {
    if [ -n "${JAVA_HOME:-}" ]; then
        jdk_take "$JAVA_HOME" && return 0
        jdk_java_home_was="JAVA_HOME is $JAVA_HOME, "
    fi
    jdk_on_path=$(command -v java) && jdk_on_path=$(readlink -f "$jdk_on_path" 2>/dev/null) \
        && jdk_take "${jdk_on_path%/bin/java}" && return 0

    jdk_take_lowest \
        /usr/lib/jvm/* /usr/lib64/jvm/* /usr/java/* /usr/local/java/* /usr/local/openjdk* /opt/* /opt/java/* /opt/jdk/* \
        "${HOME:-}"/.sdkman/candidates/java/* "${HOME:-}"/.jdks/* "${HOME:-}"/.asdf/installs/java/* \
        /Library/Java/JavaVirtualMachines/*/Contents/Home "${HOME:-}"/Library/Java/JavaVirtualMachines/*/Contents/Home \
        /opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home /usr/local/opt/openjdk*/libexec/openjdk.jdk/Contents/Home \
        && return 0

    if [ -r "${HOME:-}/.m2/toolchains.xml" ]; then
        while IFS= read -r jdk_home; do
            jdk_take "$jdk_home" && return 0
        done <<JDK_HOMES
$(sed -n 's:.*<jdkHome>\([^<]*\)</jdkHome>.*:\1:p' "$HOME/.m2/toolchains.xml")
JDK_HOMES
    fi

    echo "$tool: no JDK $jdk_wanted or newer on this machine: ${jdk_java_home_was:-JAVA_HOME is not set, }java on PATH is ${jdk_on_path:-missing};" \
         "expected a JDK (with javac) there, in /usr/lib/jvm, /opt, ~/.sdkman, ~/.jdks or ~/.m2/toolchains.xml;" \
         "install any vendor's JDK $jdk_wanted (Temurin, or the package openjdk-$jdk_wanted-jdk), or set JAVA_HOME to one" >&2
    exit 2
}
