#!/usr/bin/env bash
# Measures the engine with JMH, in interleaved rounds, and prints for each benchmark the best and the worst round's median, how many
# times the lower bound of the same run that is, and what was allocated. See performance.md.
#
# usage: docs/benchmark.sh [ROUNDS [JMH-OPTION...]]     e.g. docs/benchmark.sh 3 -p flows=5000,1000000
# CPU=1 docs/benchmark.sh binds everything to that CPU.
# BASE=REVISION docs/benchmark.sh measures the engine of an earlier git revision in the same rounds, and compares.
set -eu
cd "$(dirname "$0")/.."
rounds=${1:-3}
[ $# = 0 ] || shift

work=$(mktemp -d)
trap 'rm -rf "$work"; git worktree prune 2>/dev/null' EXIT

# compile DIRECTORY: builds the benchmarks of a source tree and says what their class path is
compile() {
    (cd "$1" && mvn -q -B -Dquick -pl sharedip-api,sharedip-nat test-compile dependency:build-classpath \
        -Dmdep.outputFile="$1/classpath" -Dmdep.includeScope=test </dev/null >&2)
    echo "$1/sharedip-nat/target/test-classes:$1/sharedip-nat/target/classes:$(cat "$1/classpath")"
    rm -f "$1/classpath"
}

# measure CLASSPATH BENCHMARKS RESULT [JMH-OPTION...]
measure() {
    local command=(java -cp "$1" org.openjdk.jmh.Main "$2" -foe true -prof gc -rf csv -rff "$3")
    shift 3
    [ -z "${CPU:-}" ] || command=(taskset -c "$CPU" "${command[@]}")
    "${command[@]}" "$@" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
}

here=$(compile "$PWD")
base=
if [ -n "${BASE:-}" ]; then
    git worktree add -q --detach "$work/base" "$BASE"
    base=$(compile "$work/base")
fi

grep -m 1 'model name' /proc/cpuinfo || true
echo "$(nproc) CPUs, load $(cut -d ' ' -f 1-3 /proc/loadavg), $(java -version 2>&1 | sed -n 3p)"
for round in $(seq "$rounds"); do
    echo "round $round of $rounds" >&2
    measure "$here" 'LowerBound|FastPath|FlowSetup' "$work/$round.csv" "$@"
    if [ -n "$base" ]; then
        measure "$base" 'FastPath|FlowSetup' "$work/$round.then" "$@"
        sed 's/benchmark\.\(FastPath\|FlowSetup\)/benchmark.base.\1/' "$work/$round.then" >"$work/$round.base.csv"
    fi
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
        printf "%-34s %9s %8s %8s %8s %8s %8s\n", "ns for each packet or flow", "flows", "best", "worst", "ratio", "B/op", "/ base"
        for (i = 1; i <= count; i++) {
            split(keys[i], part, ",")
            then = "base." keys[i]
            printf "%-34s %9d %8.0f %8.0f %8.1f %8.2f %8s\n", part[1], part[2], best[keys[i]], worst[keys[i]],
                best[keys[i]] / bound[part[2]], octets[keys[i]],
                then in best ? sprintf("%.2f", best[keys[i]] / best[then]) : ""
        }
    }' "$work"/*.csv | { read -r head; echo "$head"; sort -k1,1 -k2,2; }
