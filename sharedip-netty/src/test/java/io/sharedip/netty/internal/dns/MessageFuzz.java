package io.sharedip.netty.internal.dns;

import com.code_intelligence.jazzer.junit.FuzzTest;

/** DNS messages under Jazzer; {@link MessagePropertyTest} replays what was found without it. */
class MessageFuzz {

    @FuzzTest
    void messages(byte[] octets) {
        new MessageInput(octets).run();
    }
}
