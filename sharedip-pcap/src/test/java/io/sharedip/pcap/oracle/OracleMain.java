package io.sharedip.pcap.oracle;

import io.sharedip.pcap.oracle.Oracle.Divergence;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Plays many seeds and prints every divergence, shrunk: for work on the engine. {@code OracleMain SEEDS [FIRST [SHOWN]]}. */
final class OracleMain {

    private OracleMain() {}

    public static void main(String[] args) {
        int seeds = Integer.parseInt(args[0]);
        long first = args.length > 1 ? Long.parseLong(args[1]) : 1;
        int shown = args.length > 2 ? Integer.parseInt(args[2]) : 20;
        String only = args.length > 3 ? args[3] : ".*";
        long start = System.nanoTime();
        Map<String, Integer> kinds = new TreeMap<>();
        try (KernelNat kernel = new KernelNat();
                EngineNat engine = new EngineNat()) {
            Oracle oracle = new Oracle(kernel, engine);
            int failed = 0;
            int examples = 0;
            for (long seed = first; seed < first + seeds; seed++) {
                List<Step> steps = Scenario.of(seed);
                Oracle.Judgement judged = oracle.judge(steps);
                Divergence d = judged.found();
                if (d == null) {
                    continue;
                }
                if (!judged.again()) {
                    System.out.println("seed " + seed + " differed once and not again: " + judged);
                    failed += judged.verdict() == Oracle.Verdict.DIFFER ? 1 : 0;
                    continue;
                }
                failed++;
                String kind = (d.step().link() == 0 ? "IN " : "OUT ")
                        + d.step().note().replaceAll("[0-9-]+", "N")
                        + (d.what().startsWith("kernel: nothing")
                                ? " | kernel drops"
                                : d.what().endsWith("engine: nothing") ? " | engine drops" : " | differ");
                kinds.merge(kind, 1, Integer::sum);
                if (kinds.get(kind) > 3 || !kind.matches(only) || examples++ >= shown) {
                    continue;
                }
                List<Step> shortest = oracle.shrunk(steps, d);
                Divergence last = oracle.play(shortest, false);
                System.out.println(d.what() + "   " + d.step().note());
                System.out.println("seed " + seed + " step " + d.index() + " of " + steps.size() + ", shrunk to "
                        + shortest.size() + ":");
                shortest.forEach(s -> System.out.println("   " + s.format()));
                System.out.println("   => " + (last == null ? "not again" : last.what()) + "   " + engine.drops());
            }
            System.out.println("kinds:");
            kinds.entrySet().stream()
                    .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
                    .limit(60)
                    .forEach(e -> System.out.println(e.getValue() + "  " + e.getKey()));
            System.out.println(oracle.report());
            double seconds = (System.nanoTime() - start) / 1e9;
            System.out.println(
                    failed + " of " + seeds + " seeds differ; " + (long) (oracle.frames() / seconds) + " frames/s");
        }
    }
}
