#!/usr/bin/env bash
# Makes the captures of this folder anew, as root on Linux with tcpdump, dumpcap, nginx, curl, wrk, openssl, ssh, nft,
# python3 and node: real programs in network namespaces of their own, so that nothing of the machine is in a capture.
#   ./make.sh            all of them
#   ./make.sh NAME...    these; each is the function of its name
#   ./make.sh missing    what this kernel has not got
# What each shows, and how its expectation NAME.json comes about, is in README.md.
set -eu
cd "$(dirname "$0")"
PATH=$PATH:/usr/sbin:/sbin
. programs/hosts.sh

# --- HTTP
curl_get_post() {
  nginx_on 127.0.0.1:$PORT '[::1]:'$PORT; dump server -i lo tcp port $PORT
  at=$server do_curl --trace "$folder/1" "http://127.0.0.1:$PORT/first?a=1" -- -d user=ann http://127.0.0.1:$PORT/login
  at=$server do_curl --trace "$folder/2" -X PUT -H 'Transfer-Encoding: chunked' -d 'a chunked body' "http://[::1]:$PORT/put"
  end_dumps; node "$programs/curl-trace.mjs" "$name.json" "$folder/1" "$folder/2"
}
nginx_answers() {
  nginx_on $B:$PORT; dump client -i eth0 tcp port $PORT
  local file=http://$B:$PORT/file.txt
  do_curl --trace "$folder/1" -I $file -- $file -- -H 'If-Modified-Since: Mon, 01 Jan 2024 00:00:00 GMT' $file -- -r 10-19 $file \
    -- -H 'Accept-Encoding: gzip' $file -- http://$B:$PORT/moved -- -X BREW http://$B:$PORT/
  end_dumps; node "$programs/curl-trace.mjs" "$name.json" "$folder/1"
}
keep_alive() {
  kept() {
    do_curl "$1/first" -- -I "$1/head?size=500" -- -X DELETE "$1/a%20b?c=%C3%A9" -- -X OPTIONS --request-target '*' "$1" \
      -- -H 'X-Twice: 1' -H 'x-twice: 2' -H 'X-Empty;' -H 'Cookie: a=b; c=d' -H 'X-Raw: gr'$'\xfc''n' "$1/fields" -- -F file=@"$folder/4k" -F text=hello "$1/form" \
      -- -X QUERY -d q=1 "$1/query" -- -T "$folder/4k" "$1/upload" -- --request-target http://example.com/absolute "$1"
  }
  over_link kept http://$B:$PORT
}
ipv6() { over_link get_and_post '[fd07::2]'; }
pipelining() { over_link raw pipelining $B; }
chunked_requests() {
  senders() {
    raw chunked $B
    head -c 3000 /dev/zero | do_curl -T - http://$B:$PORT/curl
    in_client node -e "const body = new ReadableStream({ start(c) { for (const t of ['one ', 'two']) c.enqueue(new TextEncoder().encode(t)); c.close(); } });
      fetch('http://$B:$PORT/fetch', { method: 'POST', body, duplex: 'half' }).then((answer) => answer.text())"
  }
  over_link senders
}
expect_continue() {
  uploads() {
    local with="-H Expect:100-continue --data-binary @$folder/4k"
    do_curl $with http://$B:$PORT/accepted -- $with -H 'Transfer-Encoding: chunked' http://$B:$PORT/chunked
    do_curl $with "http://$B:$PORT/refused?refuse=413"; do_curl $with "http://$B:$PORT/refused?refuse=417"
  }
  over_link uploads
}
expect_refused() { over_link raw expect-refused $B; }
answers() {
  asked() {
    do_curl "$1/1?size=5000" -- "$1/2?chunked&size=3000" -- -I "$1/3?chunked&size=9" -- "$1/4?status=204" -- -H 'If-None-Match: "one"' "$1/5?etag&size=9" \
      -- "$1/6?trailers&size=20" -- "$1/7?early&size=9" -- "$1/8?size=0" -- -d a=b "$1/9?status=404&size=60" -- "$1/10?status=500&close&size=60"
  }
  over_link asked http://$B:$PORT
}
http_1_0() {
  old() {
    do_curl -0 "$1/until-close?chunked&size=3000"; do_curl -0 -d a=b "$1/length?size=5"
    do_curl -0 -H 'Connection: keep-alive' "$1/kept?size=5" -- -0 -H 'Connection: keep-alive' "$1/kept-too?size=5"
  }
  over_link old http://$B:$PORT
}
websocket() { over_link raw websocket $B; }
connect_tunnel() {
  nginx_on $B:8974
  tunnels() { do_curl -p -x http://$B:$PORT http://$B:8974/inside-the-tunnel -- -p -x http://$B:$PORT http://$B:8974/inside-too; }
  over_link tunnels
}
connect_refused() { over_link raw connect-refused $B; }
h2c_prior_knowledge() {
  other_server h2; dump server -i eth0 tcp port $PORT
  do_curl --http2-prior-knowledge http://$B:$PORT/one -- --http2-prior-knowledge http://$B:$PORT/two
  end_dumps; no_requests '{ "http2": 1 }'
}
h2c_upgrade() { over_link do_curl --http2 http://$B:$PORT/upgraded; }
h2c_not_upgraded() {
  nginx_on $B:$PORT; dump server -i eth0 tcp port $PORT
  do_curl --trace "$folder/1" --http2 http://$B:$PORT/stays -- --http2 http://$B:$PORT/stays-too
  end_dumps; node "$programs/curl-trace.mjs" "$name.json" "$folder/1"
}
tls() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$folder/key" -out "$folder/certificate" -subj /CN=example.com -days 36500 2>/dev/null
  other_server tls "$folder/key" "$folder/certificate"; dump server -i eth0 tcp port $PORT
  do_curl -k https://$B:$PORT/secret -- -k https://$B:$PORT/secret
  printf 'GET /secret HTTP/1.0\r\n\r\n' | in_client openssl s_client -quiet -connect $B:$PORT >/dev/null 2>&1 || true
  end_dumps; no_requests '{ "tls": 2 }'
}
other_protocols() {
  dump server -i eth0 tcp port $PORT
  printf 'Subject: a\r\n\r\nGET / HTTP/1.0\r\n' > "$folder/mail"
  talk() { other_server $1; shift; in_client timeout 3 "$@" >/dev/null 2>&1 </dev/null || true; kill $other; wait $other || true; }
  talk ssh ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o IdentityFile=none -p $PORT nobody@$B
  talk smtp curl -s --mail-from a@example --mail-rcpt b@example -T "$folder/mail" smtp://$B:$PORT/client.example
  talk rtsp curl -s rtsp://$B:$PORT/media
  talk mqtt curl -s --max-time 1 -d hello mqtt://$B:$PORT/topic
  end_dumps; no_requests '{ "ssh": 1, "other": 3 }'
}
proxy_protocol_v1() { serve --proxy-protocol; dump server -i eth0 tcp port $PORT; do_curl --haproxy-protocol http://$B:$PORT/proxied -- http://$B:$PORT/second; finish; }
proxy_protocol_v2() { serve --proxy-protocol; dump server -i eth0 tcp port $PORT; raw proxy-v2 $B; finish; }
wrk_load() { over_link in_client wrk -t1 -c3 -d1s "http://$B:$PORT/load?delay=150" > /dev/null; }

# --- TCP
loss() { in_small_segments; lose router forward; over_link raw many 10.6.0.2; }
retransmission() { in_small_segments; lose server input; over_link raw many $B; }
reordering() { user_tunnel reorder 1400; serve; dump server -i gor0 tcp port $PORT; get_and_post 10.8.0.2; raw many 10.8.0.2; finish; }
resets() { over_link raw resets $B; }
keep_alive_probes() { over_link raw keep-alive-probes $B; }
zero_window() { in_server sysctl -qw net.ipv4.tcp_rmem='4096 4096 4096'; over_link raw zero-window $B; }
port_reuse() { over_link raw port-reuse $B; }
fast_open() {
  for n in $server $client; do ip netns exec $n sysctl -qw net.ipv4.tcp_fastopen=1027; done
  fast() { for t in cookie data-in-syn data-in-syn-too; do do_curl --tcp-fastopen http://$B:$PORT/$t; done; do_curl --tcp-fastopen -d a=b http://$B:$PORT/post-in-syn; }
  over_link fast
}

# --- what a capture may lack
incomplete_capture() { serve; dump server -i eth0 "tcp port $PORT and not (dst port $PORT and ip[2:2] = 752)"; raw not-captured-whole $B; finish; }
midstream() {
  serve; mkfifo "$folder/go"
  ip netns exec $client python3 "$programs/raw-client.py" midstream $B < "$folder/go" > "$folder/state" & local raw_client=$!
  exec 9> "$folder/go"; until_says "$folder/state" now
  dump server -i eth0 tcp port $PORT; kill -USR2 $serving; sleep 0.2; echo >&9; wait $raw_client; exec 9>&-
  finish
}
client_side_only() { serve --unseen responses; dump server -i eth0 tcp dst port $PORT; get_and_post $B; raw pipelining $B; finish; }
server_side_only() { serve --unseen requests; dump server -i eth0 tcp src port $PORT; get_and_post $B; finish; }
snap_length() { serve --unseen responses; dump server -i eth0 -s 100 tcp port $PORT; raw snap-length $B; finish; }

# --- link, network, tunnels; the first two of the kernel, the rest by tunnel.py
vxlan() { kernel_vxlan 1400; inside_of 'udp port 4789' 10.8.0.2 '[fd08::2]'; }
fragments_too='ip and not icmp' # only the first of a packet has its ports
vxlan_fragments() { kernel_vxlan 1400; mtu 700; inside_of "$fragments_too" 10.8.0.2; }
# Senders that may be fragmented (no path MTU discovery), and a router in the middle that has to.
fragments() {
  for n in $client $server; do ip netns exec $n sysctl -qw net.ipv4.ip_no_pmtu_disc=1; done
  ip -n $router link set eth1 mtu 576; ip -n $router link set eth2 mtu 576
  serve; dump server -i eth0 ip; get_and_post 10.6.0.2; finish
}
several_interfaces() {
  serve
  ip netns exec $router dumpcap -q -f "tcp port $PORT" -i eth1 -i eth2 -w "$name.pcapng" > "$folder/said" 2>&1 & dumps=$!
  until_says "$folder/said" 'File:'; sleep 0.5
  get_and_post 10.6.0.2; finish
  python3 "$programs/without-host.py" "$name.pcapng"
}
ipip() { user_tunnel ipip 1400; inside_of 'ip proto 4' 10.8.0.2; }
ipip_fragments() { user_tunnel ipip 1400; mtu 700; inside_of "$fragments_too" 10.8.0.2; }
six_in_four() { user_tunnel ip6 1400; inside_of 'ip proto 41' '[fd08::2]'; }
four_in_six() { user_tunnel ipip 1400 fd07::1 fd07::2; inside_of 'ip6 proto 4' 10.8.0.2; }
six_in_six() { user_tunnel ip6 1400 fd07::1 fd07::2; inside_of 'ip6 proto 41' '[fd08::2]'; }
gre() { user_tunnel gre 1400; inside_of 'ip proto 47' 10.8.0.2 '[fd08::2]'; }
gre_key() { user_tunnel gre-key 1400; inside_of 'ip proto 47' 10.8.0.2; }
gre_over_ipv6() { user_tunnel gre 1400 fd07::1 fd07::2; inside_of 'ip6 proto 47' 10.8.0.2; }
vxlan_in_gre() { user_tunnel gre 1400; kernel_vxlan 1300 10.8.0.1 10.8.0.2; for n in "$client 1" "$server 2"; do set -- $n; address $1 vx0 10.9.0.$2/24; done; inside_of 'ip proto 47' 10.9.0.2; }
geneve() { user_tunnel geneve 1400; inside_of 'udp port 6081' 10.8.0.2; }
geneve_options() { user_tunnel geneve-options 1400; inside_of 'udp port 6081' '[fd08::2]'; }
geneve_ipv6_fragments() { user_tunnel geneve 2000 fd07::1 fd07::2; mtu 1280; inside_of 'ip6 and not icmp6 and not ip6[6] = 0' 10.8.0.2; }
teredo() { user_tunnel teredo 1400; inside_of 'udp port 3544' '[2001::2]'; }
vlan() { user_tunnel vlan 1400; inside_of 'vlan 5' 10.8.0.2 '[fd08::2]'; }
qinq() { user_tunnel qinq 1400; inside_of 'vlan 5' 10.8.0.2; }
mpls() { user_tunnel mpls 1400; inside_of mpls 10.8.0.2 '[fd08::2]'; }
pppoe() { user_tunnel pppoe 1400; inside_of 'pppoes' 10.8.0.2 '[fd08::2]'; }
any_sll() { serve; dump server -i any -y LINUX_SLL tcp port $PORT; get_and_post $B; at=$server do_curl http://127.0.0.1:$PORT/local; finish; }
any_sll2() { serve; dump server -i any -y LINUX_SLL2 tcp port $PORT; get_and_post $B; at=$server do_curl http://127.0.0.1:$PORT/local; finish; }
any_and_vxlan() { kernel_vxlan 1400; serve; dump server -i any "tcp port $PORT or udp port 4789"; get_and_post 10.8.0.2; finish; }
nanoseconds() { serve; dump server -i eth0 --nano tcp port $PORT; get_and_post $B; finish; }
compressed() { serve; dump server -i eth0 tcp port $PORT; get_and_post $B; finish; gzip -n -9 "$name.pcap"; }

# --- all, or those named
captures=$(sed -n 's/^\([a-z0-9_]*\)() {.*/\1/p' make.sh | grep -vx make | tr _ -)
make() {
  name=$1; rm -f "$name".*
  folder=$folder/$name; mkdir "$folder"; head -c 4000 /dev/zero | tr '\0' u > "$folder/4k"
  case $name in loss | fragments | several-interfaces) routed_hosts ;; *) hosts ;; esac
  ${name//-/_}; end_all
  ls -l "$name".* | awk '{ print $5, $9 }'
}
if [ "${1:-}" = missing ]; then
  new_host $client
  for type in 'vxlan id 5 dstport 1' 'geneve id 5 remote 10.0.0.1' 'gre remote 10.0.0.1' 'ipip remote 10.0.0.1' 'sit remote 10.0.0.1' 'ip6tnl remote fd00::1' 'vlan id 5 link lo' 'macsec' 'bridge'; do
    in_client ip link add t0 type $type 2>/dev/null && in_client ip link delete t0 || echo "missing: ${type%% *}"
  done
  exit
fi
for wanted in ${*:-$captures}; do ( make "$wanted" ); done
