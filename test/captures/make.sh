#!/usr/bin/env bash
# Makes the captures of this folder anew, as root on Linux with nginx, curl and tcpdump: real programs on loopback.
set -eu
cd "$(dirname "$0")"
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$folder"' EXIT
cat > "$folder/nginx.conf" <<CONF
daemon off; worker_processes 1; pid $folder/pid;
events {}
http { access_log off; client_body_temp_path $folder/body; server { listen 127.0.0.1:8973; listen [::1]:8973; location / { return 200 "ok\n"; } } }
CONF
PATH=$PATH:/usr/sbin nginx -c "$folder/nginx.conf" -e "$folder/error.log" &
sleep 0.5

record() { # NAME COMMAND...
  tcpdump -i lo -U -w "$1.pcap" tcp port 8973 2>/dev/null & dump=$!
  sleep 0.5; shift; "$@"; sleep 0.5
  kill -INT $dump; wait $dump || true
}

# curl-get-post: a GET and, on the same connection, a POST with a form, over IPv4; then a chunked PUT over IPv6.
curl_get_post() {
  curl -s -o /dev/null 'http://127.0.0.1:8973/first?a=1' --next -s -o /dev/null -d user=ann http://127.0.0.1:8973/login
  curl -s -o /dev/null -X PUT -H 'Transfer-Encoding: chunked' -d 'a chunked body' 'http://[::1]:8973/put'
}
record curl-get-post curl_get_post
