#!/bin/sh
# jacquard <command>, with the Java in the folder beside this file. Needs nothing but a shell, and an NVIDIA driver for --device cuda.
# JACQUARD_OPTS adds JVM flags, e.g. JACQUARD_OPTS=-Xmx8g.
set -eu
self=$0
while [ -L "$self" ]; do
    link=$(readlink "$self")
    case $link in
        /*) self=$link ;;
        *) self=${self%/*}/$link ;;
    esac
done
case $self in
    */*) root=${self%/*} ;;
    *) root=. ;;
esac
flags='@FLAGS@'
exec "$root/jre/bin/java" $flags -Xlog:disable ${JACQUARD_OPTS:-} -cp "$root/lib/*" dev.jacquard.cli.Main "$@"
