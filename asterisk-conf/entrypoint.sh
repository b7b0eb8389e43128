#!/bin/sh
# Gives ari.conf the password that the secret /run/secrets/ari-password holds, then runs Asterisk.
set -eu
[ -s /run/secrets/ari-password ] || { echo "the secret ari-password is missing" >&2; exit 1; }
umask 077
printf 'password = %s\n' "$(cat /run/secrets/ari-password)" >/etc/asterisk/recording-controller.secret
chown asterisk: /etc/asterisk/recording-controller.secret
exec "$@"
