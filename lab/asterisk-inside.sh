#!/bin/sh
# Runs Asterisk until it ends by itself, or until standard input does: when whoever started us is gone, so are we.
# Usage: asterisk-inside.sh INSTANCE
set -u
instance=$1

for language in en:en_US_f_Allison fr:fr_CA_f_June; do
    ln -sfn "/usr/share/asterisk/sounds/${language#*:}/"* "$instance/data/sounds/${language%%:*}/"
done
# Without their XML documentation modules refuse to load.
ln -sfn /usr/share/asterisk/documentation /usr/share/asterisk/rest-api "$instance/data/"
for modules in /usr/lib/*/asterisk/modules /usr/lib/asterisk/modules; do
    [ ! -e "$modules/pbx_config.so" ] || ln -sfn "$modules" "$instance/modules"
done

exec 3<&0
(
    # /proc is the outside's, so this is the number by which the outside knows us.
    read -r pid _ </proc/self/stat
    echo "$pid" >"$instance/run/pid"
    exec /usr/sbin/asterisk -f -C "$instance/etc/asterisk.conf" </dev/null 3<&-
) &
asterisk=$!
(
    cat <&3 >/dev/null
    kill -KILL "$asterisk"
) &
wait "$asterisk"
