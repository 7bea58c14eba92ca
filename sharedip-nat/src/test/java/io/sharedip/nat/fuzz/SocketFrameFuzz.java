package io.sharedip.nat.fuzz;

import com.code_intelligence.jazzer.junit.FuzzTest;

/** A gateway over sockets under Jazzer; {@link CorpusTest} replays what was found without it. */
class SocketFrameFuzz {

    @FuzzTest
    void frames(byte[] program) {
        new SocketProgram(program).run();
    }
}
