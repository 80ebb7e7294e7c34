# What make.sh is made of: hosts as network namespaces, servers and captures in them.
programs=$PWD/programs folder=$(mktemp -d) A=10.7.0.1 B=10.7.0.2 PORT=8973
server=gor-s$$ client=gor-c$$ router=gor-r$$
in_server() { ip netns exec $server "$@"; }
in_client() { ip netns exec $client "$@"; }
in_router() { ip netns exec $router "$@"; }
end_all() {
  kill $(jobs -p) 2>/dev/null || true
  for n in $server $client $router; do
    kill -KILL $(ip netns pids $n 2>/dev/null) 2>/dev/null || true
    ip netns delete $n 2>/dev/null || true
  done
}
trap 'end_all; rm -rf "$folder"' EXIT

new_host() { # NAMESPACE
  ip netns add $1; ip -n $1 link set lo up
  # No addresses of its own, no router, no multicast reports: nothing but what is sent on purpose.
  ip netns exec $1 sysctl -qw net.ipv6.conf.default.addr_gen_mode=1 net.ipv6.conf.default.accept_ra=0 net.ipv6.conf.all.forwarding=1 net.ipv4.ip_forward=1
  ip netns exec $1 nft 'add table ip6 quiet; add chain ip6 quiet c { type filter hook output priority 0; }; add rule ip6 quiet c icmpv6 type mld2-listener-report drop'
}
new_link() { # NAMESPACE INTERFACE NAMESPACE INTERFACE; the hardware addresses end in 01 and 02
  ip link add "$2" netns $1 address 02:00:00:00:00:01 type veth peer name "$4" netns $3 address 02:00:00:00:00:02
  for end in "$1 $2" "$3 $4"; do set -- $end; ip -n $1 link set $2 up; done
}
address() { ip -n $1 address add $3 dev $2 $([[ $3 == *:* ]] && echo nodad); } # NAMESPACE INTERFACE ADDRESS
# The client, 10.7.0.1 and fd07::1, and the server, 2, with a link between them.
hosts() {
  new_host $client; new_host $server; new_link $client eth0 $server eth0
  for a in 10.7.0.1/24 fd07::1/64; do address $client eth0 $a; done
  for a in 10.7.0.2/24 fd07::2/64; do address $server eth0 $a; done
}

# The same with a router between them: the server is 10.6.0.2.
routed_hosts() {
  new_host $client; new_host $router; new_host $server
  new_link $client eth0 $router eth1; new_link $router eth2 $server eth0
  address $client eth0 10.7.0.1/24; address $router eth1 10.7.0.9/24; address $router eth2 10.6.0.9/24; address $server eth0 10.6.0.2/24
  ip -n $client route add default via 10.7.0.9; ip -n $server route add default via 10.6.0.9
}
mtu() { ip -n $client link set eth0 mtu $1; ip -n $server link set eth0 mtu $1; }

# One in five of the client's segments with data is lost; small ones, and each by itself.
lose() { ip netns exec ${!1} nft "add table ip loss; add chain ip loss c { type filter hook $2 priority 0; }; add rule ip loss c tcp dport $PORT ip length > 60 numgen random mod 5 < 1 drop"; } # HOST HOOK
in_small_segments() { ip -n $client link set eth0 mtu 576 gso_max_segs 1; }

until_says() { # FILE TEXT
  for _ in $(seq 200); do grep -q "$2" "$1" 2>/dev/null && return; sleep 0.05; done
  echo "$name: no $2 in $1: $(cat "$1")" >&2; exit 1
}
# The server that writes the expectation when it is ended.
serve() {
  ip netns exec $server node "$programs/recording-server.mjs" "$folder/$name.json" "$@" > "$folder/serving" & serving=$!
  until_says "$folder/serving" ready
}
other_server() { ip netns exec $server node "$programs/other-servers.mjs" "$@" > "$folder/other" & other=$!; until_says "$folder/other" ready; }
nginx_on() { # ADDRESSES...
  mkdir -p "$folder/www"; chmod 755 "${folder%/*}" "$folder"
  head -c 1500 /dev/zero | tr '\0' 'n' > "$folder/www/file.txt"; touch -d '2024-01-01 UTC' "$folder/www/file.txt"
  cat > "$folder/nginx.conf" <<CONF
daemon off; worker_processes 1; pid $folder/pid; user root;
events {}
http { access_log off; client_body_temp_path $folder/body; server { $(printf 'listen %s; ' "$@") root $folder/www; gzip on; gzip_types *;
  location / { return 200 "ok\n"; } location = /file.txt { } location = /moved { return 301 /file.txt; } } }
CONF
  in_server nginx -c "$folder/nginx.conf" -e "$folder/error.log" & sleep 0.5
}

dumps=
dump() { # HOST ARGUMENTS OF TCPDUMP: begins the capture; the buffer has room for 256 packets of any size
  local host=${!1}; shift
  rm -f "$folder/said"
  ip netns exec $host tcpdump --immediate-mode -B 65536 -Z root -U -n -w "$name.pcap" "$@" 2> "$folder/said" & dumps="$dumps $!"
  until_says "$folder/said" 'listening on'
}
end_dumps() {
  sleep 0.4; for d in $dumps; do kill -INT $d; wait $d || true; done; dumps=
  grep -Eq '(^| )0 packets dropped by kernel|dropped on interface.*: [0-9]+\/0' "$folder/said" || { echo "$name: the capture lost packets: $(cat "$folder/said")" >&2; exit 1; }
}
finish() { end_dumps; kill -TERM $serving; wait $serving || true; cp "$folder/$name.json" "$name.json"; }
# What most captures are: all of the port, over the link, at the server.
over_link() { serve; dump server -i eth0 tcp port $PORT; "$@"; finish; }
no_requests() { printf '{\n  "requests": [],\n  "responses": [],\n  "notHttp": %s\n}\n' "$1" > "$name.json"; }

# Clients. do_curl URL [OPTIONS -- ...]: a request for each list between `--`, all by one curl, so over one connection.
raw() { in_client python3 "$programs/raw-client.py" "$@"; }
do_curl() {
  local args=(-s --max-time 20 -o /dev/null)
  for a in "$@"; do [ "$a" = -- ] && args+=(--next -s --max-time 20 -o /dev/null) || args+=("$a"); done
  ip netns exec ${at:-$client} curl "${args[@]}" || true
}
get_and_post() { do_curl "http://$1:$PORT/first?a=1" -H 'X-One: 1' -- -d user=ann "http://$1:$PORT/login?size=3000" -- -T "$folder/4k" "http://$1:$PORT/upload?chunked"; }

# Tunnels: gor0 in both hosts, with 10.8.0.1 and fd08::1 for the client, 2 for the server.
inner_addresses() { # INTERFACE [MTU]
  for end in "$client 1" "$server 2"; do
    set -- $end $1 ${2:-1400}
    ip -n $1 link set $3 mtu $4 up
    for a in 10.8.0.$2/24 fd08::$2/64 2001::$2/64; do address $1 $3 $a; done
    set -- $3 $4
  done
}
user_tunnel() { # KIND MTU [CLIENT SERVER]: as the kernel lacks these, tunnel.py is both ends
  local a=${3:-$A} b=${4:-$B}
  in_client python3 "$programs/tunnel.py" $1 $a $b eth0 > "$folder/end1" & in_server python3 "$programs/tunnel.py" $1 $b $a eth0 > "$folder/end2" &
  until_says "$folder/end1" ready; until_says "$folder/end2" ready
  inner_addresses gor0 $2
}
kernel_vxlan() { # MTU [CLIENT SERVER]
  local a=${2:-$A} b=${3:-$B}
  ip -n $client link add vx0 address 02:00:00:00:01:01 type vxlan id 5 local $a remote $b dstport 4789
  ip -n $server link add vx0 address 02:00:00:00:01:02 type vxlan id 5 local $b remote $a dstport 4789
  inner_addresses vx0 $1
}
# A capture of what is inside a tunnel, taken outside of it: FILTER INNER-ADDRESSES...
inside_of() { local filter=$1; shift; serve; dump server -i eth0 "$filter"; for to in "$@"; do get_and_post $to; done; finish; }
