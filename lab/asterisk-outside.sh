#!/bin/sh
# Runs one Asterisk inside a root made by lab/setup/asterisk. As root, in mount and PID namespaces of its own
# (unshare --mount --pid --fork), so that no mount and no process outlives it.
# Usage: asterisk-outside.sh ROOT UID:GID INSTANCE [FOLDER...]
# INSTANCE and each FOLDER keep their path inside the root. The shared root itself is not written to.
set -eu
root=$1 user=$2 instance=$3
shift 2

for folder in "$@"; do
    top="/$(echo "$folder" | cut -d / -f 2)"
    case $top in
        /bin | /dev | /etc | /lib* | /proc | /sbin | /sys | /usr) echo "no instance under $top" >&2; exit 1 ;;
    esac
    [ -d "$root$top" ] || mkdir "$root$top"
    mountpoint -q "$root$top" || mount -t tmpfs tmpfs "$root$top"
    mkdir -p "$root$folder"
    mount --bind "$folder" "$root$folder"
done
mount --rbind /dev "$root/dev"
mount --rbind /proc "$root/proc"
ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)" # ten descriptors a call
exec chroot --userspec="$user" "$root" /bin/sh "$instance/asterisk-inside.sh" "$instance"
