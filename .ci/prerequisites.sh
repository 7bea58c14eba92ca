# shellcheck shell=bash
# Sourced by ./demo and ./verify: sees to it that the programs are there. Root has them installed; for anybody else the
# apt-get line is printed, and the exit code is 2.

PATH=$PATH:/usr/sbin:/sbin

# missing_packages PROGRAM=PACKAGE...: the packages whose programs are not there
missing_packages() {
    local pair
    for pair in "$@"; do
        command -v "${pair%%=*}" >/dev/null || printf '%s\n' "${pair#*=}"
    done | sort -u
}

# Conversation partners that only some lab tests need; the demo does without.
# shellcheck disable=SC2034
test_partners=(turnserver=coturn turnutils_natdiscovery=coturn stun=stun-client iperf3=iperf3
    udhcpc=udhcpc dhclient=isc-dhcp-client)

# What boots virtual machines. The demo does without if need be; the tests do not.
# shellcheck disable=SC2034
virtual_machines=(qemu-system-x86_64=qemu-system-x86 cpio=cpio)

# The Java and Maven that the build needs; the programs that the lab's machines run; what is named besides.
all_missing_packages() {
    missing_packages "$@" javac=openjdk-17-jdk-headless mvn=maven \
        ip=iproute2 tc=iproute2 ss=iproute2 nft=nftables ethtool=ethtool tcpdump=tcpdump unshare=util-linux \
        setpriv=util-linux \
        curl=curl ping=iputils-ping traceroute=traceroute dig=bind9-dnsutils nc=netcat-openbsd socat=socat \
        busybox=busybox dnsmasq=dnsmasq-base
    ldconfig -p | grep -q 'libpcap\.so' || echo libpcap0.8
}

# require_prerequisites PROGRAM=PACKAGE...: those of the build and the lab, and these
require_prerequisites() {
    local packages java
    packages=$(all_missing_packages "$@" | tr '\n' ' ')
    packages=${packages% }
    if [ -n "$packages" ]; then
        if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
            echo "Missing prerequisites. Install them as root with:" >&2
            echo "apt-get install -y $packages" >&2
            exit 2
        fi
        echo "installing: $packages" >&2
        # shellcheck disable=SC2086
        if ! install_packages $packages >&2; then
            echo "Could not install them. As root:" >&2
            echo "apt-get install -y $packages" >&2
            exit 2
        fi
    fi
    java=$(javac -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p')
    if [ "${java:-0}" -lt 17 ]; then
        echo "JDK 17 or newer is needed; javac is version ${java:-unknown}. As root:" >&2
        echo "apt-get install -y openjdk-17-jdk-headless" >&2
        exit 2
    fi
}

# coturn would serve as soon as it is installed, and again whenever the machine starts. The tests run it themselves.
install_packages() (
    export DEBIAN_FRONTEND=noninteractive
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    install_with_apt "$@" || exit 1
    if [ -d /run/systemd/system ] && [[ " $* " == *" coturn "* ]]; then
        systemctl disable --quiet coturn.service || true
    fi
)

install_with_apt() {
    apt-get install -y -q --no-install-recommends "$@" </dev/null ||
        { apt-get update -q </dev/null && apt-get install -y -q --no-install-recommends "$@" </dev/null; }
}
