package io.sharedip.nat.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;

/** The reader of snapshots under Jazzer; {@link CorpusTest} replays what was found without it. */
class SnapshotReaderFuzz {

    @FuzzTest
    void snapshots(byte[] octets) {
        new SnapshotInput(octets).run();
    }
}
