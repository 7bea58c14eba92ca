package io.sharedip.nat.internal.engine;

import io.sharedip.address.UplinkAddress;
import io.sharedip.nat.DhcpSettings;
import io.sharedip.nat.FragmentLimits;
import io.sharedip.nat.ProtocolBehavior;
import io.sharedip.nat.TcpTracking;
import io.sharedip.nat.Timeouts;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * What an engine is made from; checked by the builder of the gateway.
 *
 * @param place where the gateway stands on the uplink to begin with
 * @param routerMac what guests see as their router
 * @param addressIsOwn whether no host uses the address
 * @param capacity most flows
 * @param flowsPerGuest most flows of one guest
 * @param timeouts of flows
 * @param fragments how long and how many of them are kept
 * @param tcp mapping, filtering and ports of TCP
 * @param udp mapping, filtering and ports of UDP
 * @param tcpTracking how TCP segments are judged
 * @param udpInboundRefresh whether UDP packets from outside keep a flow alive that the guest began (RFC 4787 REQ-6)
 * @param verifyChecksums whether transport checksums are judged
 * @param errorsPerSecond most ICMP errors and TCP resets that the gateway says on each link, 0 for none
 * @param echoRepliesPerSecond most pings of its own that the gateway answers on each link, 0 for none
 * @param plan what is translated in another way than to the shared address and a port of the pool
 * @param dhcp what guests are told by DHCP, null if nothing
 * @param offersDns whether guests may be told that the gateway is a DNS server
 * @param random source of keys and ports
 */
public record EngineSettings(
        UplinkAddress place,
        long routerMac,
        boolean addressIsOwn,
        int capacity,
        int flowsPerGuest,
        Timeouts timeouts,
        FragmentLimits fragments,
        ProtocolBehavior tcp,
        ProtocolBehavior udp,
        TcpTracking tcpTracking,
        boolean udpInboundRefresh,
        boolean verifyChecksums,
        int errorsPerSecond,
        int echoRepliesPerSecond,
        TranslationPlan plan,
        @Nullable DhcpSettings dhcp,
        boolean offersDns,
        Random random) {}
