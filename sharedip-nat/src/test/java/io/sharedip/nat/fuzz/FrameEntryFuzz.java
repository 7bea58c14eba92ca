package io.sharedip.nat.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;

/** The frame entry under Jazzer; {@link CorpusTest} replays what was found without it. */
class FrameEntryFuzz {

    @FuzzTest
    void frames(byte[] program) {
        new FrameProgram(program).run();
    }
}
