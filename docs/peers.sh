#!/usr/bin/env bash
# Measures the uplink of sockets beside others that do the same, in one run: the same guest (a network namespace), the same server (another
# one) and the host between them. Interleaved rounds, medians. See performance.md.
#
# usage: docs/peers.sh [ROUNDS [PEER...]]     by default 3 rounds of all, at MTU 1500 and 65520
# MTUS="1500" SECONDS_EACH=2 WARM_UP=5 JAVA_OPTIONS="..." JAR=FILE docs/peers.sh 5 passt sharedip
# BASE=FILE docs/peers.sh 3 base sharedip    compares with the gateway's jar of an earlier build
# SAMPLES=FILE keeps what was measured, before it is a median
# Needs root, and iperf3 passt slirp4netns iproute2 gcc. Makes namespaces of its own, and removes them.
#
# pasta and slirp4netns read the guest's card themselves. passt and sharedip speak with virtual machines; peers/relay.c is the machine's
# monitor, the same for both, and takes a share of the processors that the others have for themselves. slirp4netns can do so as well: that
# is the peer slirp-relay.
set -eu
cd "$(dirname "$0")/.."
rounds=${1:-3}
[ $# = 0 ] || shift
peers=${*:-pasta passt slirp4netns slirp-relay sharedip}
mtus=${MTUS:-1500 65520}
seconds=${SECONDS_EACH:-2}
warm_up=${WARM_UP:-5}
base=${BASE:-}
jar=${JAR:-sharedip-examples/target/sharedip-gateway.jar}
read -ra java_options <<<"${JAVA_OPTIONS:--XX:+UseSerialGC -Xmx128m}"

for tool in iperf3 passt pasta slirp4netns ip gcc java; do
    command -v "$tool" >/dev/null || { echo "$tool is missing: apt-get install iperf3 passt slirp4netns iproute2 gcc" >&2; exit 2; }
done
if [ ! -f "$jar" ]; then
    mvn -B -q -Dquick -DskipTests package </dev/null >&2
fi

work=$(mktemp -d)
me=peers$$
host=$me-host
server=$me-server
processes=()
namespaces=()

cleanup() {
    local each
    for each in "${processes[@]}"; do kill "$each" 2>/dev/null || true; done
    sleep 0.5
    for each in "${namespaces[@]}"; do ip netns del "$each" 2>/dev/null || true; done
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

namespace() {
    ip netns add "$1"
    namespaces+=("$1")
    ip -n "$1" link set lo up
    ip netns exec "$1" sh -c 'echo 10000 60999 >/proc/sys/net/ipv4/ip_local_port_range
        echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range'
}

# in_host NAME COMMAND...: runs in the background, remembers the process as NAME
in_host() {
    local name=$1
    shift
    ip netns exec "$host" "$@" >"$work/$name.log" 2>&1 &
    processes+=($!)
    echo $! >"$work/$name.pid"
}

# await SECONDS COMMAND...
await() {
    local i end=$(($1 * 10))
    shift
    for ((i = 0; i < end; i++)); do
        if "$@" >/dev/null 2>&1; then return 0; fi
        sleep 0.1
    done
    echo "gave up waiting for: $*" >&2
    tail "$work"/*.log >&2
    return 1
}

# relay NAMESPACE NAME SOCKET MTU ADDRESS ROUTER [packets]
relay() {
    await 20 test -S "$3"
    ip netns exec "$1" "$work/relay" tap0 "$3" "${@:7}" >"$work/$2.relay.log" 2>&1 &
    processes+=($!)
    await 10 ip -n "$1" link show tap0
    ip -n "$1" link set tap0 mtu "$4" address 52:54:00:00:00:01 up
    ip -n "$1" addr add "$5" dev tap0
    ip -n "$1" route add default via "$6"
}

# start PEER MTU: its guest is the namespace $me-PEER-MTU
start() {
    local name=$1-$2 guest=$me-$1-$2
    namespace "$guest"
    case $1 in
    pasta)
        in_host "$name" pasta -f -q --no-map-gw --netns-only --config-net -4 -m "$2" -I tap0 -t none -u none -T none -U none --runas 0 \
            --netns "/run/netns/$guest"
        ;;
    passt)
        in_host "$name" passt -f -q --no-map-gw -4 -m "$2" -t none -u none --runas 0 -s "$work/$name.sock"
        relay "$guest" "$name" "$work/$name.sock" "$2" 198.18.2.1/24 198.18.2.2
        ;;
    slirp4netns)
        in_host "$name" slirp4netns --configure --mtu="$2" --netns-type=path "/run/netns/$guest" tap0
        ;;
    slirp-relay)
        in_host "$name" slirp4netns --mtu="$2" --target-type=bess "$work/$name.sock"
        relay "$guest" "$name" "$work/$name.sock" "$2" 10.0.2.100/24 10.0.2.2 packets
        ;;
    sharedip | base)
        cat >"$work/$name.yaml" <<END
address: 192.0.2.10
prefix: 192.0.2.0/24
router: 192.0.2.1
control: $work/$name.control
uplink: { sockets: {} }
guests:
  - name: guest
    mac: "52:54:00:00:00:01"
    address: 192.0.2.10
    link: { qemu-stream: "unix:$work/$name.sock", mtu: $2 }
END
        in_host "$name" java "${java_options[@]}" -jar "$([ "$1" = base ] && echo "$base" || echo "$jar")" run -q "$work/$name.yaml"
        relay "$guest" "$name" "$work/$name.sock" "$2" 192.0.2.10/24 192.0.2.1
        ;;
    *)
        echo "no such peer: $1" >&2
        exit 2
        ;;
    esac
    await 20 sh -c "ip -n $guest route show default | grep -q ."
    # pasta's guest has the host's segment as its own; the way to the server must be its card in any case
    await 20 ip netns exec "$guest" timeout 2 iperf3 -c 198.18.2.2 -n 1K
}

# gigabits NAMESPACE [OPTION]: of what arrived. A server may not have noticed yet that the one before has gone: then once more.
gigabits() {
    local try result
    for try in 1 2 3; do
        result=$(ip netns exec "$1" timeout $((seconds + 15)) iperf3 -c 198.18.2.2 -t "$seconds" -f m "${@:2}" 2>&1 |
            awk '/receiver/ { for (i = 1; i < NF; i++) if ($(i + 1) == "Mbits/sec") printf "%.3f\n", $i / 1000 }')
        [ -z "$result" ] || break
        sleep "$try"
    done
    echo "${result:-0}"
}

# spent PEER-MTU: processor time so far, in microseconds
spent() {
    awk -v second="$(getconf CLK_TCK)" '{ print ($14 + $15) * 1000000 / second }' "/proc/$(cat "$work/$1.pid")/stat"
}

measure() {
    local guest=$me-$1-$2 key="$1 $2"
    echo "$key up $(gigabits "$guest")"
    echo "$key down $(gigabits "$guest" -R)"
    local before connections
    before=$(spent "$1-$2")
    connections=$("$work/probe" "$guest" "$server" 198.18.2.2 connections "$seconds")
    echo "$key connections $connections"
    awk -v key="$key" -v spent="$(spent "$1-$2")" -v before="$before" -v count="$((connections * seconds))" \
        'BEGIN { printf "%s work %.0f\n", key, count ? (spent - before) / count : 0 }'
    echo "$key datagrams $("$work/probe" "$guest" "$server" 198.18.2.2 datagrams "$seconds")"
    local trips
    trips=$("$work/probe" "$guest" "$server" 198.18.2.2 trips "$seconds")
    echo "$key p50 ${trips% *}"
    echo "$key p99 ${trips#* }"
    echo "$key memory $(awk '/VmRSS/ { printf "%.1f", $2 / 1024 }' "/proc/$(cat "$work/$1-$2.pid")/status")"
}

gcc -O2 -o "$work/relay" docs/peers/relay.c
gcc -O2 -o "$work/probe" docs/peers/probe.c
namespace "$host"
namespace "$server"
ip link add out0 netns "$host" type veth peer name in0 netns "$server"
ip -n "$host" addr add 198.18.2.1/24 dev out0
ip -n "$host" link set out0 up
ip -n "$host" route add default via 198.18.2.2
ip -n "$server" addr add 198.18.2.2/24 dev in0
ip -n "$server" link set in0 up
ip netns exec "$server" iperf3 -s >"$work/iperf3-server.log" 2>&1 &
processes+=($!)

for peer in $peers; do
    for mtu in $mtus; do start "$peer" "$mtu"; done
done
echo "$(grep -m 1 'model name' /proc/cpuinfo | cut -d: -f2), $(nproc) CPUs, $(java -version 2>&1 | sed -n 3p)"
echo "load before: $(cut -d ' ' -f 1-3 /proc/loadavg)"
for round in $(seq 0 "$rounds"); do
    for mtu in $mtus; do
        for peer in $peers; do
            echo "round $round of $rounds: $peer at MTU $mtu" >&2
            # the first one is not counted: programs compile themselves, and tables grow
            if [ "$round" = 0 ]; then
                seconds=$warm_up measure "$peer" "$mtu" >>"$work/samples.0"
            else
                measure "$peer" "$mtu" >>"$work/samples.1"
            fi
        done
    done
done
echo "load after: $(cut -d ' ' -f 1-3 /proc/loadavg)"

[ -z "${SAMPLES:-}" ] || cp "$work/samples.1" "$SAMPLES"
sort -k1,3 -k4,4g "$work/samples.1" | awk -v rounds="$rounds" '
    { key = $1 " " $2 " " $3; count[key]++; value[key, count[key]] = $4; peers[$1 " " $2] }
    function median(key) { return count[key] ? value[key, int((count[key] + 1) / 2)] : "-" }
    function spread(key, low) { low = value[key, 1]; return count[key] > 1 && low > 0 ? sprintf("%.1f", value[key, count[key]] / low) : "-" }
    END {
        format = "%-12s %6s %9s %9s %9s %8s %12s %8s %8s %9s   %s\n"
        printf format, "peer", "MTU", "up Gbit/s", "down", "TCP/s", "us/TCP", "datagrams/s", "p50 us", "p99 us", "RSS MB", "largest/least: up down TCP/s datagrams/s"
        for (peer in peers) {
            split(peer, part, " ")
            printf format, part[1], part[2], median(peer " up"), median(peer " down"), median(peer " connections"), median(peer " work"),
                median(peer " datagrams"), median(peer " p50"), median(peer " p99"), median(peer " memory"),
                spread(peer " up") " " spread(peer " down") " " spread(peer " connections") " " spread(peer " datagrams")
        }
    }' | { read -r head; echo "$head"; sort -k2,2n -k1,1; }
