package io.sharedip.nat.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;

/** The DHCP server under Jazzer; {@link CorpusTest} replays what was found without it. */
class DhcpServerFuzz {

    @FuzzTest
    void messages(byte[] octets) {
        new DhcpInput(octets).run();
    }
}
