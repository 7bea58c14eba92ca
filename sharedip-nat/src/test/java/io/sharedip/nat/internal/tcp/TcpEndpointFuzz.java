package io.sharedip.nat.internal.tcp;

import com.code_intelligence.jazzer.junit.FuzzTest;

/** The endpoint under Jazzer; {@link TcpProgramTest} replays what was found without it. */
class TcpEndpointFuzz {

    @FuzzTest
    void segments(byte[] program) {
        new TcpProgram(program).run();
    }
}
