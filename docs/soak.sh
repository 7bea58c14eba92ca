#!/usr/bin/env bash
# A day of mixed traffic on the virtual clock, checked against a ledger of every flow's deadline: see testing.md.
#
# usage: docs/soak.sh [HOURS [PLACES]]     by default 24 virtual hours, 4,000,000 places for flows
# HEAP=2g docs/soak.sh 24 1000000
set -eu
cd "$(dirname "$0")/.."
list=$(mktemp)
trap 'rm -f "$list"' EXIT
mvn -q -B -Dquick -pl sharedip-api,sharedip-nat test-compile dependency:build-classpath \
    -Dmdep.outputFile="$list" -Dmdep.includeScope=test </dev/null >&2
grep -m 1 'model name' /proc/cpuinfo || true
java "-Xmx${HEAP:-4g}" "-Xms${HEAP:-4g}" -cp "sharedip-nat/target/test-classes:sharedip-nat/target/classes:$(cat "$list")" \
    io.sharedip.nat.soak.Soak "$@"
