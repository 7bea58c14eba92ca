#!/usr/bin/env bash
# Measures the engine with JMH, in interleaved rounds, and prints for each benchmark the best and the worst round's median, how many
# times the lower bound of the same run that is, and what was allocated. See performance.md.
#
# usage: docs/benchmark.sh [ROUNDS [JMH-OPTION...]]     e.g. docs/benchmark.sh 3 -p flows=5000,1000000
# CPU=1 docs/benchmark.sh binds everything to that CPU.
set -eu
cd "$(dirname "$0")/.."
rounds=${1:-3}
[ $# = 0 ] || shift

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mvn -q -B -Dquick -pl sharedip-api,sharedip-nat test-compile dependency:build-classpath \
    -Dmdep.outputFile="$work/classpath" -Dmdep.includeScope=test </dev/null
classes=sharedip-nat/target
jmh=(java -cp "$classes/test-classes:$classes/classes:$(cat "$work/classpath")" org.openjdk.jmh.Main)
[ -z "${CPU:-}" ] || jmh=(taskset -c "$CPU" "${jmh[@]}")

grep -m 1 'model name' /proc/cpuinfo || true
echo "$(nproc) CPUs, load $(cut -d ' ' -f 1-3 /proc/loadavg), $(java -version 2>&1 | sed -n 3p)"
for round in $(seq "$rounds"); do
    echo "round $round of $rounds" >&2
    "${jmh[@]}" 'LowerBound|FastPath|FlowSetup' "$@" -foe true -prof gc -rf csv -rff "$work/$round.csv" >"$work/log" 2>&1 ||
        { cat "$work/log"; exit 1; }
done

awk -F, '
    function number(text) { gsub(/"/, "", text); return text + 0 }
    /^"Benchmark"/ { next }
    {
        name = $1; gsub(/"/, "", name); sub(/.*benchmark\./, "", name); sub(/Benchmark/, "", name)
        what = name; sub(/:.*/, "", what); key = what " " $9 "," number($8)
        if (name ~ /:p0\.50$/) {
            score = number($5)
            if (!(key in best)) { keys[++count] = key; best[key] = score }
            if (score < best[key]) best[key] = score
            if (score > worst[key]) worst[key] = score
            if (what ~ /^LowerBound/ && (!(number($8) in bound) || score < bound[number($8)])) bound[number($8)] = score
        } else if (name ~ /gc\.alloc\.rate\.norm$/ && (!(key in octets) || number($5) < octets[key])) octets[key] = number($5)
    }
    END {
        printf "%-34s %9s %8s %8s %8s %8s\n", "ns for each packet or flow", "flows", "best", "worst", "ratio", "B/op"
        for (i = 1; i <= count; i++) {
            split(keys[i], part, ",")
            printf "%-34s %9d %8.0f %8.0f %8.1f %8.2f\n", part[1], part[2], best[keys[i]], worst[keys[i]],
                best[keys[i]] / bound[part[2]], octets[keys[i]]
        }
    }' "$work"/*.csv | { read -r head; echo "$head"; sort -k1,1 -k2,2; }
